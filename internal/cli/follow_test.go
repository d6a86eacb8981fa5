package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// An enforcer that goes keeps its samples; one that comes is measured within a second.
func TestRecordFollowsPrograms(t *testing.T) {
	vmtest.Guest(t)
	w := startWorkload(t)
	without := links(t)
	first := startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 4}})
	r := startRecord(t)
	probed := links(t)
	w.do("openat", 100)
	time.Sleep(time.Second) // two readings of the rules behind the calls: see ruleBook
	if err := first.Detach(); err != nil {
		t.Fatal(err)
	}
	vmtest.WaitFor(t, "the probes of the enforcer that went to go", func() bool { return links(t) == without })
	w.do("openat", 1000) // nobody enforces
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
	vmtest.WaitFor(t, "probes on the enforcer that came", func() bool { return links(t) == probed })
	w.do("openat", 70)
	time.Sleep(time.Second)
	got := calls(r.finish(), w.mntns)
	if n := got["openat file_open 4"]; !r.all(n, 100) {
		t.Errorf("the enforcer that went: %d calls, want 100; all: %v", n, got)
	}
	if n := got["openat file_open 2"]; !r.all(n, 70) {
		t.Errorf("the enforcer that came: %d calls, want 70; all: %v; %s", n, got, r.stderr.String())
	}
}

// links is the number of BPF links in the kernel: those of enforcers, and of probes on them.
func links(t *testing.T) (n int) {
	t.Helper()
	for _, id := range vmtest.KernelIDs(t) {
		if strings.HasPrefix(id, "link ") {
			n++
		}
	}
	return n
}
