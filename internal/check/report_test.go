package check

import (
	"bytes"
	"encoding/json"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/profile"
)

func TestReport(t *testing.T) {
	bad, noRoot, refused := goodFacts(), goodFacts(), goodFacts()
	bad.LSMs, bad.Clock, bad.Boot.Distribution = []string{"capability"}, "hpet", "debian"
	noRoot.Privileges.UID, noRoot.Privileges.Effective = 1000, 0
	noRoot.Tracing, noRoot.LSM, noRoot.EnforcersErr = ErrNotTried, ErrNotTried, ErrNotTried
	refused.Tracing, refused.LSM = unix.EPERM, unix.EPERM
	for _, test := range []struct {
		golden         string
		facts          Facts
		verbose, quiet bool
	}{
		{"good.txt", goodFacts(), false, false},
		{"good_verbose.txt", goodFacts(), true, false},
		{"no_bpf.txt", bad, false, false},
		{"no_bpf_quiet.txt", bad, false, true},
		{"no_root.txt", noRoot, false, false},
		{"refused.txt", refused, false, false},
	} {
		var out bytes.Buffer
		if err := NewReport(&test.facts, "v1", profile.Machine{}).Write(&out, test.verbose,
			test.quiet); err != nil {
			t.Error(err)
		}
		golden.Equal(t, test.golden, out.Bytes())
	}
}

func TestReportJSON(t *testing.T) {
	f := goodFacts()
	f.JIT = 0
	var out bytes.Buffer
	if err := NewReport(&f, "v1", profile.Machine{Kernel: "6.1"}).WriteJSON(&out); err != nil {
		t.Error(err)
	}
	var doc Report
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != "lsmprof/check/v1" || doc.Version != "v1" || doc.Machine.Kernel != "6.1" || doc.Supported ||
		doc.Verdict != No ||
		len(doc.Items) != len(f.Judge()) {
		t.Errorf("%+v", doc)
	}
}
