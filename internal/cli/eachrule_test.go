package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/recording"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

func TestEachRuleUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"--rule-callback needs --each-rule": {"--rule-callback", "x", "-d", "1s"},
		"omit DURATION":                     {"--each-rule=5s", "--", "true"},
		"ends by itself":                    {"--each-rule"},
	} {
		var stderr bytes.Buffer
		if code := Main(append([]string{"record"}, args...), nil, nil, &stderr); code != 2 ||
			!strings.Contains(stderr.String(), want) {
			t.Errorf("%q: exit status %d, %s; want %q", args, code, stderr.String(), want)
		}
	}
}

// Every open of the command looks at each rule once, up to the one that matches, and the rules have their texts.
func TestEachRule(t *testing.T) {
	if !vmtest.Guest(t).AtLeast(5, 18) {
		var stderr bytes.Buffer
		if code := Main([]string{"record", "--each-rule", "--", "true"}, nil, nil,
			&stderr); code != exitUnsupported {
			t.Errorf("exit status %d, want %d: %s", code, exitUnsupported, stderr.String())
		}
		return
	}
	const opens = 300
	dir := t.TempDir()
	e := startReference(t, map[uint32]enforcer.Rules{})
	own, err := kernel.MountNamespace("/proc/self")
	must(t, err)
	policy := reference.Policy{Fillers: enforcer.Rules{Net: 2}}
	for _, glob := range []string{"/none/**", dir + "/**", dir + "/denied", "/none/x"} {
		rule, err := reference.DenyPath(glob)
		must(t, err)
		policy.File = append(policy.File, rule)
	}
	must(t, e.Confine(own, policy))
	t.Cleanup(func() { must(t, e.Release(own)) })
	must(t, e.Release(own)) // until the test's own files exist
	must(t, os.WriteFile(filepath.Join(dir, "denied"), nil, 0o644))
	out := filepath.Join(t.TempDir(), "p.pb.gz")
	script := "i=0; while [ $i -lt $1 ]; do i=$((i+1)); { true < $0/denied; } 2>/dev/null || true; done"
	must(t, e.Confine(own, policy))
	var stdout, stderr bytes.Buffer
	code := Main([]string{
		"record", "--calibrate=off", "-o", out, "--format", "json", "--each-rule", "--", "sh", "-c", script,
		dir,
		"300",
	}, strings.NewReader(""), &stdout, &stderr)
	must(t, e.Release(own))
	if code != 0 {
		t.Fatalf("exit status %d: %s", code, stderr.String())
	}
	doc, err := profile.ReadJSON(&stdout)
	must(t, err)
	if doc.EachRule == nil {
		t.Fatalf("the document has no rules: %s", stderr.String())
	}
	byRule := map[int]profile.DocumentRule{}
	for _, r := range doc.EachRule.Rules {
		if r.Program == "ref_file_open" && r.MntNS == own {
			byRule[r.Rule] = r
		}
	}
	t.Logf("%+v", byRule)
	if got := byRule[1]; got.Text != "deny "+dir+"/**" || got.Matches != opens || got.Looks < opens {
		t.Errorf("%+v, want %d matches", got, opens)
	}
	if got := byRule[0]; got.Text != "deny /none/**" || got.Matches != 0 || got.Looks != byRule[1].Looks {
		t.Errorf("%+v, want as many looks as at rule 1, and no match", got)
	}
	if got := byRule[2]; got.ShadowedBy == nil || *got.ShadowedBy != 1 || got.Looks != byRule[1].Looks-opens {
		t.Errorf("%+v, want a rule that rule 1 shadows, and that the denied opens did not look at", got)
	}
	if got := byRule[4]; !got.PastEnd || got.Looks != byRule[3].Looks {
		t.Errorf("%+v, want the looks past the end", got)
	}
	for _, kind := range []profile.FindingKind{profile.FindingShadowed, profile.FindingNeverMatched} {
		if !slices.ContainsFunc(doc.EachRule.Findings, func(f profile.Finding) bool { return f.Kind == kind }) {
			t.Errorf("no finding %s in %+v", kind, doc.EachRule.Findings)
		}
	}
	f, err := os.Open(recording.RulesPath(out))
	must(t, err)
	defer f.Close()
	p, err := pprof.Parse(f)
	must(t, err)
	if !slices.ContainsFunc(p.Sample,
		func(s *pprof.Sample) bool { return s.Label["rule"][0] == "rule 0 (deny /none/**)" }) {
		t.Errorf("the profile of the rules lacks rule 0: %v", p)
	}
}
