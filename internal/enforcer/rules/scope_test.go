package rules

import (
	"net/netip"
	"strings"
	"testing"
)

func glob(s string) Pattern {
	if a, b, ok := strings.Cut(s, "**"); ok {
		return Pattern{Prefix: a, Suffix: b}
	}
	if a, b, ok := strings.Cut(s, "*"); ok {
		return Pattern{Prefix: a, Suffix: b, Wildcard: OneLevel}
	}
	return Pattern{Prefix: s, Wildcard: Nothing}
}

func TestPatternsThatCoverOthers(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"**", "/etc/**", true},
		{"**", "/etc/shadow", true},
		{"/etc/**", "/etc/shadow", true},
		{"/etc/**", "/etc/ssl/**.key", true},
		{"/etc/**", "/etc/*", true},
		{"/etc/*", "/etc/**", false},
		{"/etc/*", "/etc/shadow", true},
		{"/etc/*", "/etc/ssl/key", false},
		{"/etc/*", "/etc/ssl/*", false},
		{"/etc/*", "/etc/s*", true},
		{"/etc/shadow", "/etc/shadow", true},
		{"/etc/shadow", "/etc/shadow*", false},
		{"/etc/s**w", "/etc/shadow", true},
		{"/aa**aa", "/aaa", false}, // prefix and suffix do not overlap
		{"**.key", "/etc/**.key", true},
		{"/etc/**.key", "**.key", false},
		{"/etc/**", "/home/**", false},
	} {
		if got := glob(c.p).covers(glob(c.q)); got != c.want {
			t.Errorf("%s covers %s: %v, want %v", c.p, c.q, got, c.want)
		}
	}
}

// Whatever covers another pattern matches every path that the other matches.
func FuzzCoversIsProof(f *testing.F) {
	f.Add("/etc/**", "/etc/*.key", "/etc/a.key")
	f.Add("/a*b", "/ab*b", "/abcb")
	f.Fuzz(func(t *testing.T, p, q, path string) {
		if glob(p).covers(glob(q)) && glob(q).matches(path) && !glob(p).matches(path) {
			t.Errorf("%q is said to cover %q, but %q matches only the latter", p, q, path)
		}
	})
}

func TestScopesThatCoverOthers(t *testing.T) {
	ten, host := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.0.0.1/32")
	for _, c := range []struct {
		name string
		s, t Scope
		want bool
	}{
		{"more operations", Scope{Operations: 3}, Scope{Operations: 1}, true},
		{"fewer operations", Scope{Operations: 1}, Scope{Operations: 3}, false},
		{"wider address", Scope{Address: ten}, Scope{Address: host}, true},
		{"narrower address", Scope{Address: host}, Scope{Address: ten}, false},
		{"any address", Scope{}, Scope{Address: ten}, true},
		{"one address is not any", Scope{Address: ten}, Scope{}, false},
		{"range of ports", Scope{Ports: [2]uint16{1, 100}}, Scope{Ports: [2]uint16{80, 80}}, true},
		{"ports are not all", Scope{Ports: [2]uint16{1, 100}}, Scope{}, false},
		{"any file system", Scope{}, Scope{FileSystem: "proc"}, true},
		{"another file system", Scope{FileSystem: "tmpfs"}, Scope{FileSystem: "proc"}, false},
	} {
		if got := c.s.Covers(c.t); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMarkShadowed(t *testing.T) {
	all := []Rule{
		{Index: 0, Scope: &Scope{Ends: false, Path: glob("/**")}}, // audits only
		{Index: 1, Scope: &Scope{Ends: true, Path: glob("/etc/**")}},
		{Index: 2},
		{Index: 3, Scope: &Scope{Ends: true, Path: glob("/etc/shadow")}},
		{Index: 4, Scope: &Scope{Ends: true, Path: glob("/home/**")}},
	}
	MarkShadowed(all)
	for i, r := range all {
		if shadowed := r.ShadowedBy != nil; shadowed != (i == 3) {
			t.Errorf("rule %d: shadowed %v", i, shadowed)
		}
	}
	if by := all[3].ShadowedBy; by == nil || *by != 1 {
		t.Errorf("rule 3 is shadowed by %v, want 1", by)
	}
}
