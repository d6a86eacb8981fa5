package enforcer

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// put writes numbers and strings at offsets of a value of size bytes.
func put(size int, at map[int]any) fields {
	b := make(fields, size)
	for offset, v := range at {
		switch v := v.(type) {
		case int:
			binary.NativeEndian.PutUint32(b[offset:], uint32(v))
		case uint16:
			binary.NativeEndian.PutUint16(b[offset:], v)
		case uint64:
			binary.NativeEndian.PutUint64(b[offset:], v)
		case string:
			copy(b[offset:], v)
		}
	}
	return b
}

func TestVArmorRulesAsText(t *testing.T) {
	const precise, greedy, prefix, suffix = 1, 2, 4, 8
	now, old := varmorDecoders(true), varmorDecoders(false)
	for _, c := range []struct {
		want  string
		kind  string
		d     decoders
		value fields
	}{
		{
			"deny read,write /etc/shadow", rules.File, now,
			put(140, map[int]any{0: 1, 4: 6, 8: precise | prefix, 12: "/etc/shadow"}),
		},
		{
			"deny,audit write,append,create,rename /data/**.db", rules.File, now,
			put(140, map[int]any{0: 3, 4: 0x9a, 8: greedy | prefix | suffix, 12: "/data/", 76: "bd."}),
		},
		{"audit read *.key", rules.File, now, put(140, map[int]any{0: 2, 4: 4, 8: suffix, 76: "yek."})},
		{"deny read /etc/shadow", rules.File, old, put(136, map[int]any{
			0: 4, 4: precise | prefix,
			8: "/etc/shadow",
		})},
		{"deny **/wget", rules.Exec, now, put(140, map[int]any{0: 1, 8: greedy | suffix, 76: "tegw/"})},
		{
			"deny mount ** flags=bind,rec fstype=proc", rules.Mount, now,
			put(160, map[int]any{0: 1, 4: 4096 | 16384, 12: greedy, 144: "proc"}),
		},
		{
			"deny mount /dev/** flags=all without=remount", rules.Mount, now,
			put(160, map[int]any{0: 1, 4: 0xffffffff, 8: 32, 12: greedy | prefix, 16: "/dev/", 144: "*"}),
		},
		{
			"deny connect 10.0.0.0/8 port 443", rules.Net, now,
			put(100, map[int]any{
				0: 1, 4: 0x20 | 0x40 | 0x100, 32: "\x0a", 48: "\xff", 64: uint16(443),
			}),
		},
		{
			"deny connect fd00::1 ports 80-90", rules.Net, now,
			put(100, map[int]any{
				0: 1, 4: 1 | 0x80 | 0x400, 32: "\xfd" + strings.Repeat("\x00", 14) + "\x01",
				64: uint16(80), 66: uint16(90),
			}),
		},
		{
			"deny connect any ports 80,443", rules.Net, now,
			put(100, map[int]any{0: 1, 4: 0x40 | 0x80 | 0x800, 68: uint16(80), 70: uint16(443)}),
		},
		{
			"deny connect the pod's own address", rules.Net, now,
			put(100, map[int]any{0: 1, 4: 0x40 | 0x80 | 0x1000}),
		},
		{
			"deny create domain=inet,inet6 type=raw", rules.Net, now,
			put(100, map[int]any{0: 1, 4: 0x200, 8: uint64(1<<2 | 1<<10), 16: uint64(1 << 3)}),
		},
		{
			"deny connect 1.2.3.4 port 22", rules.Net, old,
			put(40, map[int]any{0: 1 | 0x40 | 0x100, 4: "\x01\x02\x03\x04", 36: 22}),
		},
	} {
		if got, _ := c.d.of(c.kind)(c.value); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	if got, _ := now.ptrace(put(12, map[int]any{0: 1, 4: 6, 8: 1})); got !=
		"deny ptrace trace,read with tasks outside the container" {
		t.Error(got)
	}
}

// A rule that only audits ends no walk, so that it shadows none.
func TestVArmorRulesThatShadow(t *testing.T) {
	rule := func(mode, permissions int, flags int, path string) Rule {
		text, scope := varmorDecoders(true).of(rules.File)(
			put(140, map[int]any{0: mode, 4: permissions, 8: flags, 12: path}))
		return Rule{Text: text, Scope: scope}
	}
	for name, c := range map[string]struct {
		rules []Rule
		want  bool // the last one is shadowed
	}{
		"all below":         {[]Rule{rule(1, 6, 6, "/etc/"), rule(1, 4, 5, "/etc/shadow")}, true},
		"fewer permissions": {[]Rule{rule(1, 4, 6, "/etc/"), rule(1, 6, 5, "/etc/shadow")}, false},
		"audits only":       {[]Rule{rule(2, 6, 6, "/etc/"), rule(1, 4, 5, "/etc/shadow")}, false},
		"elsewhere":         {[]Rule{rule(1, 6, 6, "/usr/"), rule(1, 4, 5, "/etc/shadow")}, false},
	} {
		rules.MarkShadowed(c.rules)
		if got := c.rules[1].ShadowedBy != nil; got != c.want {
			t.Errorf("%s: %+v is shadowed: %v, want %v", name, c.rules[1].Text, got, c.want)
		}
	}
}

// FuzzRulesAsText feeds every decoder with what a hostile owner of a map may write.
func FuzzRulesAsText(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte("\xc8\x05"), slices.Repeat([]byte{0xff}, 160))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		var all []Rule
		add := func(text string, scope *rules.Scope) { all = append(all, Rule{Text: text, Scope: scope}) }
		for _, d := range []decoders{varmorDecoders(true), varmorDecoders(false)} {
			for _, decode := range append(d.outer[:], d.ptrace) {
				add(decode(value))
				add(decode(key))
			}
		}
		rules.MarkShadowed(all)
		all = append(all, systemdTexts([]entry{{key, value}})...)
		for _, text := range bpflockTexts("p", []entry{{key, value}}) {
			add(text, nil)
		}
		add(keyText(key), nil)
		if len(value) >= 4 {
			all = append(all, kubearmorTexts([]entry{{key, value}, {value, value}})...)
		}
		for _, r := range all {
			if r.Text == "" || strings.ContainsAny(r.Text, "\x00\x1b\n") {
				t.Errorf("%q", r.Text)
			}
		}
	})
}

// Texts and counts of KubeArmor's rules come from the same entries.
func TestKubeArmorRulesAsText(t *testing.T) {
	const exec, rw, dir, recursive, deny = 1, 6, 16, 32, 128
	e := kubearmorEntry
	all := append([]entry{
		e("/etc/shadow", "", 0, rw|deny), e("/data/", "/bin/db", 0, rw|dir|recursive), e("/data", "/bin/db", 0,
			rw),
		e("/usr/bin/apt", "", exec|deny, 0), e("\xc8\x15", "", deny, 0), e("\x03\x06", "/bin/x", 0, 0),
	}, allProtocols("/bin/y")...)
	var got []string
	for _, r := range kubearmorTexts(all) {
		got = append(got, r.Kind+" "+r.Text)
	}
	want := []string{
		"cap deny cap_sys_admin",
		"exec deny /usr/bin/apt",
		"file allow read,write /data/ and everything below from /bin/db",
		"file deny read,write /etc/shadow",
		"net allow protocol tcp from /bin/x",
		"net deny all protocols from /bin/y",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if n := kubearmorRules(all).Sum(); n != len(want) {
		t.Errorf("%d rules are counted, want %d", n, len(want))
	}
}
