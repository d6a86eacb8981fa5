package accuracy

import (
	"testing"
	"time"

	"github.com/cilium/ebpf/rlimit"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// 200 programs: all probed, several at a time, and every call counted by each that ran. Bounds are for an emulated machine with other
// things to do.
func TestManyProgramsAreProbed(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t) // it takes its time
	scaleGuest(t)
	const programs = 200
	a, err := Attaching(programs)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", a)
	if a.Said != a.Targets || a.Targets != programs && a.Targets != len(manyHooks) {
		t.Errorf("%d of %d programs, progress told %d times", a.Targets, programs, a.Said)
	}
	if a.Attach > time.Minute || a.Detach > 30*time.Second {
		t.Errorf("attached in %v, detached in %v", a.Attach, a.Detach)
	}
}

// All keys of 60 workloads, 14 programs and 10 syscalls have a row, with as many calls as the others, where more memory is given.
func TestCrowdIsRecordedWhole(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	scaleGuest(t)
	c, err := Crowd(60, 14, 10, 96)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", c)
	if want := c.Workloads * c.Programs * c.Syscalls; c.Other > 0 || c.Rows < want {
		t.Errorf("%d rows, %.1f %% of the calls in none of their own; want %d rows", c.Rows, c.Other, want)
	}
	if c.Snapshot.Time > 10*time.Second || c.Idle.Time > 10*time.Second {
		t.Errorf("a poll took %v, a snapshot %v", c.Idle.Time, c.Snapshot.Time)
	}
}

func scaleGuest(t *testing.T) {
	t.Helper()
	if err := rlimit.RemoveMemlock(); err != nil { // before 5.11 maps count against it
		t.Fatal(err)
	}
}
