package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/check"
	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/kernel"
)

// goodFacts is a machine on which everything works.
func goodFacts() check.Facts {
	return check.Facts{
		Arch: "amd64", Release: "6.12.9-cloud-amd64", Version: kernel.Version{Major: 6, Minor: 12},
		Distribution: "debian",
		Privileges:   kernel.Privileges{Effective: ^uint64(0), Bounding: ^uint64(0), Memlock: 8 << 20},
		BTF:          true, BuiltIn: true, Lockdown: "none", JIT: 1,
		LSMs:  []string{"lockdown", "capability", "bpf"},
		Clock: "tsc", Preemption: kernel.PreemptNone,
		Enforcers: []check.Enforcer{{Name: "varmor", Programs: 12}},
	}
}

func TestCheckOutput(t *testing.T) {
	bad, noRoot, refused := goodFacts(), goodFacts(), goodFacts()
	bad.LSMs, bad.Clock = []string{"capability"}, "hpet"
	noRoot.Privileges.UID, noRoot.Privileges.Effective = 1000, 0
	noRoot.Tracing, noRoot.LSM, noRoot.EnforcersErr = check.ErrNotTried, check.ErrNotTried, check.ErrNotTried
	refused.Tracing, refused.LSM = unix.EPERM, unix.EPERM
	for _, test := range []struct {
		golden         string
		facts          check.Facts
		verbose, quiet bool
		code           int
	}{
		{"check_good.txt", goodFacts(), false, false, exitOK},
		{"check_good_verbose.txt", goodFacts(), true, false, exitOK},
		{"check_no_bpf.txt", bad, false, false, exitUnsupported},
		{"check_no_bpf_quiet.txt", bad, false, true, exitUnsupported},
		{"check_no_root.txt", noRoot, false, false, exitUnsupported},
		{"check_refused.txt", refused, false, false, exitUnsupported},
	} {
		var out bytes.Buffer
		err := printCheck(streams{out: &out, verbose: test.verbose, quiet: test.quiet}, false, &test.facts)
		var exit exitError
		if errors.As(err, &exit); exit.code != test.code {
			t.Errorf("%s: %v, want exit status %d", test.golden, err, test.code)
		}
		golden.Equal(t, test.golden, out.Bytes())
	}
}

func TestCheckJSON(t *testing.T) {
	f := goodFacts()
	f.JIT = 0
	var out bytes.Buffer
	if err := printCheck(streams{out: &out}, true, &f); !errors.As(err, new(exitError)) {
		t.Errorf("got %v", err)
	}
	var doc checkDocument
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != "lsmprof/check/v1" || doc.Supported || doc.Verdict != check.No ||
		len(doc.Items) != len(f.Judge()) {
		t.Errorf("%+v", doc)
	}
}
