package enforcer

import (
	"testing"

	"github.com/lsmprof/lsmprof/tracer"
)

func TestOwns(t *testing.T) {
	for name, want := range map[string]string{
		"ref_file_open": "reference", "ref_sb_umount": "reference", "ref_other": "", "varmor_file_open": "varmor",
		"varmor_path_link_tail": "varmor", "varmor_umount": "varmor", "varmor_other": "", "file_open": "", "": "",
		// What these are called says too little: without their maps they are nobody's.
		"enforce_file": "", "restrict_filesystems": "", "bprm_creds_from_file": "", "generic_lsm_event": "",
	} {
		got := ""
		for _, p := range All() {
			if p.Owns(tracer.Program{Name: name}) {
				got += p.Name
			}
		}
		if got != want {
			t.Errorf("%q is of %q, want %q", name, got, want)
		}
	}
}

func TestParseRulesMap(t *testing.T) {
	for s, want := range map[string]string{
		"rules": "", "rules:abc": "abc", "rules:0x0001ff": "\x00\x01\xff", "rules:": "", "rules:a:b": "a:b",
	} {
		got, err := ParseRulesMap(s)
		if err != nil || got.Map != "rules" || string(got.Prefix) != want {
			t.Errorf("%q: %+v, %v; want the prefix %q", s, got, err, want)
		}
	}
	for _, s := range []string{"", ":x", "a b", "rules:0x0", "rules:0xzz", "/sys/fs/bpf/rules"} {
		if got, err := ParseRulesMap(s); err == nil {
			t.Errorf("%q: %+v, want an error", s, got)
		}
	}
}

func FuzzParseRulesMap(f *testing.F) {
	f.Add("rules:0x00")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseRulesMap(s); err == nil && (got.Map == "" || len(got.Prefix) > len(s)) {
			t.Errorf("%q: %+v", s, got)
		}
	})
}
