package enforcer_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
)

// decoded returns the text of a rule as it is in the map.
func decoded[T any](t *testing.T, kind string) func(rule T, err error) string {
	return func(rule T, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		value, err := binary.Append(nil, binary.NativeEndian, &rule)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := enforcer.DecodeReference(kind, value)
		return text
	}
}

// A rule reads as it was written.
func TestReferenceRulesAsText(t *testing.T) {
	for _, glob := range []string{"/etc/shadow", "/etc/**", "/etc/*.key", "**.key", "/a/**/b", "/", "**"} {
		if got := decoded[reference.PathRule](t, "file")(reference.DenyPath(glob)); got != "deny "+glob {
			t.Errorf("%s: %s", glob, got)
		}
		if got := decoded[reference.PathRule](t, "exec")(reference.AllowPath(glob)); got != "allow "+glob {
			t.Errorf("%s: %s", glob, got)
		}
	}
	for written, want := range map[string]string{
		"10.0.0.0/8":            "deny connect 10.0.0.0/8",
		"169.254.169.254":       "deny connect 169.254.169.254",
		"10.0.0.1:443":          "deny connect 10.0.0.1 port 443",
		"[fe80::]/10:8000-8080": "deny connect fe80::/10 ports 8000-8080",
		":53":                   "deny connect any port 53",
		"inet6":                 "deny create inet6",
	} {
		if got := decoded[reference.NetRule](t, "net")(reference.DenyNet(written)); got != want {
			t.Errorf("%s: %s, want %s", written, got, want)
		}
	}
	for written, want := range map[string]string{
		"**,fstype=proc":      "deny mount,bind,remount,move ** fstype=proc",
		"/dev/**,op=bind":     "deny bind /dev/**",
		"/mnt,op=umount+bind": "deny bind,umount /mnt",
	} {
		if got := decoded[reference.MountRule](t, "mount")(reference.DenyMount(written)); got != want {
			t.Errorf("%s: %s, want %s", written, got, want)
		}
	}
}

// Whoever owns a map may write anything into it.
func FuzzReferenceRules(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(strings.Repeat("\xff", 300)))
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, kind := range []string{"file", "exec", "net", "mount"} {
			text, scope := enforcer.DecodeReference(kind, value)
			if text == "" || strings.ContainsAny(text, "\x00\x1b\n") {
				t.Errorf("%s: %q", kind, text)
			}
			if scope != nil {
				scope.Covers(*scope)
			}
		}
	})
}
