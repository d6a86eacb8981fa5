package reference

import (
	"math/bits"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
)

func TestParseRules(t *testing.T) {
	for s, want := range map[string]enforcer.Rules{
		"0":                      {},
		"8":                      {File: 8, Exec: 8, Net: 8, Mount: 8, Cap: 8, Ptrace: 1},
		" 64\n":                  {File: 64, Exec: 64, Net: 64, Mount: 64, Cap: 23, Ptrace: 1},
		"file=8":                 {File: 8},
		"net=0, file=3 ,cap=4":   {File: 3, Cap: 4},
		"file=1,exec=2,net=3":    {File: 1, Exec: 2, Net: 3},
		"mount=5,ptrace=1":       {Mount: 5, Ptrace: 1},
		"file=64,exec=64,net=64": {File: 64, Exec: 64, Net: 64},
	} {
		if got, err := ParseRules(s); err != nil || got != want {
			t.Errorf("ParseRules(%q) = %+v, %v; want %+v", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"":                "want N, or file=N",
		"x":               `"x" is no number of rules`,
		"-1":              `"-1" is no number of rules`,
		"65":              "at most 64",
		"99999999999":     "at most 64",
		"file=65":         "65 rules of file: at most 64",
		"net=65":          "65 rules of net: at most 64",
		"cap=24":          "24 cap rules: at most 23",
		"ptrace=2":        "2 ptrace rules: at most 1",
		"file":            "no number of rules",
		"file=":           `rules of file: "" is no number of rules`,
		"file=1,file=2":   `repeated type "file"`,
		"files=1":         `unknown or repeated type "files"`,
		"file=1,":         `type ""`,
		"file=1;exec=2":   "no number of rules",
		"file=8,exec=9.5": `rules of exec: "9.5" is no number of rules`,
	} {
		if r, err := ParseRules(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRules(%q) = %+v, %v; want an error with %q", s, r, err, want)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	for _, s := range []string{"8", "file=8,exec=8,net=4,mount=2,cap=4,ptrace=1", "file=,=,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRules(s)
		if err != nil {
			return
		}
		p := Policy{Fillers: r}
		if err := p.Check(); err != nil {
			t.Errorf("ParseRules(%q) = %+v, which is no policy: %v", s, r, err)
		}
		if got := p.Rules(); got != r {
			t.Errorf("ParseRules(%q) = %+v, but the policy has %+v", s, r, got)
		}
		if n := bits.OnesCount64(p.caps()); n != r.Cap {
			t.Errorf("ParseRules(%q): %d bits of capabilities, want %d", s, n, r.Cap)
		}
		if n := len(p.files()); n != r.File {
			t.Errorf("ParseRules(%q): %d file rules, want %d", s, n, r.File)
		}
	})
}

func TestAtMost64RulesOfAType(t *testing.T) {
	full := Policy{
		Fillers: enforcer.Rules{File: 63, Exec: 63, Net: 63, Mount: 63},
		File:    paths(t, DenyPath, "/a"), Exec: paths(t, DenyPath, "/a"),
		Net: nets(t, "10.0.0.1"), Mount: mountRules(t, "**"),
	}
	if err := full.Check(); err != nil {
		t.Errorf("64 rules of each type: %v", err)
	}
	for name, add := range map[string]func(*Policy){
		"65 file rules":  func(p *Policy) { p.Fillers.File++ },
		"65 exec rules":  func(p *Policy) { p.Fillers.Exec++ },
		"65 net rules":   func(p *Policy) { p.Fillers.Net++ },
		"65 mount rules": func(p *Policy) { p.Fillers.Mount++ },
	} {
		p := full
		add(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), name+": at most 64 of a type") {
			t.Errorf("%s: %v, want an error", name, err)
		}
	}
}

func TestGlobMessages(t *testing.T) {
	for glob, want := range map[string]string{
		"":                             "must start with",
		"etc/passwd":                   "must start with",
		"*.key":                        "must start with",
		"/a/**/b/**":                   "more than one",
		"/a/*/b":                       "last component",
		"/a*b*":                        "more than one",
		"/a/[bc]":                      "only `*` and `**` are wildcards",
		"/a/":                          "/a/** matches everything below",
		"/" + strings.Repeat("a", 64):  "at most 64 bytes",
		"**" + strings.Repeat("a", 65): "at most 64 bytes",
	} {
		if r, err := DenyPath(glob); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("DenyPath(%q) = %+v, %v; want an error with %q", glob, r, err, want)
		}
	}
}

func FuzzDenyPath(f *testing.F) {
	for _, s := range []string{"/etc/passwd", "/a/**", "**.key", "/a/*.sh", "/", "***"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := DenyPath(s)
		if err != nil {
			return
		}
		n := 0
		for i := range r.Pattern.PrefixMask {
			n += bits.OnesCount64(r.Pattern.PrefixMask[i]) + bits.OnesCount64(r.Pattern.SuffixMask[i])
		}
		if want := int(r.Pattern.PrefixLen) + int(r.Pattern.SuffixLen); n != 8*want {
			t.Errorf("DenyPath(%q): masks of %d bits, want %d for %d bytes", s, n, 8*want, want)
		}
	})
}

func TestRulesAsASentence(t *testing.T) {
	for want, r := range map[string]enforcer.Rules{
		"8 rules of each type":         {File: 8, Exec: 8, Net: 8, Mount: 8, Cap: 8, Ptrace: 1},
		"1 rule of each type":          {File: 1, Exec: 1, Net: 1, Mount: 1, Cap: 1, Ptrace: 1},
		"64 file rules and 1 net rule": {File: 64, Net: 1},
		"no rules":                     {},
	} {
		if got := DescribeRules(r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}
