package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// The counts of an enforcer that detaches stay, and an enforcer that attaches is measured within a second.
func TestRecordFollowsPrograms(t *testing.T) {
	vmtest.Guest(t)
	w := startWorkload(t)
	without := links(t)
	first := startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 4}})
	r := startRecord(t, "--hook", "file_open")
	probed := links(t)
	w.do("openat", 100)
	settle() // for two readings of the rules after the calls: see ruleHistory
	if err := first.Detach(); err != nil {
		t.Fatal(err)
	}
	vmtest.WaitFor(t, "the probes to be detached, too", func() bool { return links(t) == without })
	w.do("openat", 1000) // without an enforcer
	second, err := reference.Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	if err := second.Confine(w.mntns, reference.Policy{Fillers: enforcer.Rules{File: 2}}); err != nil {
		t.Fatal(err)
	}
	if err := second.Attach(); err != nil {
		t.Fatal(err)
	}
	vmtest.WaitFor(t, "probes on the new enforcer", func() bool { return links(t) == probed })
	w.do("openat", 70)
	settle()
	got := calls(r.finish(), w.mntns)
	if n := got["openat file_open 4"]; !r.all(n, 100) {
		t.Errorf("the first enforcer: %d calls, want 100; all: %v", n, got)
	}
	if n := got["openat file_open 2"]; !r.all(n, 70) {
		t.Errorf("the second enforcer: %d calls, want 70; all: %v; %s", n, got, r.stderr.String())
	}
}

// links returns the number of BPF links in the kernel: of enforcers, and of probes on their programs.
func links(t *testing.T) (n int) {
	t.Helper()
	for _, id := range vmtest.KernelIDs(t) {
		if strings.HasPrefix(id, "link ") {
			n++
		}
	}
	return n
}

// settle lets a second pass in which this machine kept up, for readings of the rules before and after calls: there are
// five in a second. A guest that a busy host holds up takes longer.
func settle() {
	const step = 100 * time.Millisecond
	for kept, tries := 0, 0; kept < 10 && tries < 100; tries++ {
		began := time.Now()
		if time.Sleep(step); time.Since(began) < step*3/2 {
			kept++
		}
	}
}
