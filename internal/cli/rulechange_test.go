package cli

import (
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// TestRecordFollowsRuleChanges checks that no call is charged to a wrong number of rules. Under each number, the
// workload opens a different number of files, which must be exact. It opens more around each change, which may have
// unknown rules.
func TestRecordFollowsRuleChanges(t *testing.T) {
	vmtest.Guest(t)
	w := startWorkload(t)
	e := startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	set := func(n int) {
		t.Helper()
		if err := e.Confine(w.mntns, reference.Policy{Fillers: enforcer.Rules{File: n}}); err != nil {
			t.Fatal(err)
		}
	}
	r := startRecord(t, "--hook", "file_open")
	var doubtful uint64
	change := func(n int) {
		settle()
		w.do("openat", 50)
		set(n)
		w.do("openat", 50)
		doubtful += 100
		settle()
	}
	w.do("openat", 1000)
	change(2)
	w.do("openat", 300)
	change(8)
	w.do("openat", 700)
	settle()
	got := calls(r.finish(), w.mntns)

	known := [2]uint64{got["openat file_open 8"], got["openat file_open 2"]}
	unknown := got["openat file_open unknown"]
	if sum := known[0] + known[1] + unknown; !r.all(sum, 2000+doubtful) {
		t.Errorf("%d calls, want %d; all: %v", sum, 2000+doubtful, got)
	}
	if known[0]+r.missed < 1700 || known[0] > 1700+100 {
		t.Errorf("8 rules: %d calls, want 1700 and at most those before and after the changes; all: %v",
			known[0], got)
	}
	if known[1]+r.missed < 300 || known[1] > 300+100 {
		t.Errorf("2 rules: %d calls, want 300 and at most those before and after the changes; all: %v",
			known[1], got)
	}
}

// TestRecordFollowsRuleChangesUnderLoad checks that, under a load that never pauses, every call has a number of rules
// that was in force while it ran, or an unknown one.
func TestRecordFollowsRuleChangesUnderLoad(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t) // lsmprof matches readings of the enforcer's maps with calls
	w := startWorkload(t)
	e := startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	r := startRecord(t, "--hook", "file_open")

	// The workload's own count of its opens at each change bounds the calls under each number of rules.
	stop := make(chan struct{})
	total := make(chan uint64)
	go func() {
		var n uint64
		for {
			select {
			case <-stop:
				total <- n
				return
			default:
				w.do("openat", 20)
				n += 20
			}
		}
	}()
	started := time.Now()
	var changes []time.Duration
	for _, n := range []int{2, 8} {
		time.Sleep(1500 * time.Millisecond)
		if err := e.Confine(w.mntns, reference.Policy{Fillers: enforcer.Rules{File: n}}); err != nil {
			t.Fatal(err)
		}
		changes = append(changes, time.Since(started))
	}
	time.Sleep(1500 * time.Millisecond)
	close(stop)
	want, took := <-total, time.Since(started)
	got := calls(r.finish(), w.mntns)
	sum := got["openat file_open 8"] + got["openat file_open 2"] + got["openat file_open unknown"]
	if !r.all(sum, want) {
		t.Errorf("%d calls, want %d; all: %v", sum, want, got)
	}
	for key, n := range got {
		switch key {
		case "openat file_open 8", "openat file_open 2", "openat file_open unknown":
		default:
			t.Errorf("%s: %d calls", key, n)
		}
	}
	// Rules are unknown for less than a second at each of two changes.
	if share := float64(got["openat file_open unknown"]) / float64(sum); share > 2/took.Seconds() {
		t.Errorf("%.1f %% of the calls have unknown rules, in %v with changes at %v", 100*share, took, changes)
	}
	t.Logf("unknown rules: %d of %d calls", got["openat file_open unknown"], sum)
}
