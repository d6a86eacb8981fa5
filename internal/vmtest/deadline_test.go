package vmtest

import (
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func TestStatTicks(t *testing.T) {
	const line = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 "
	for _, test := range []struct {
		stat string
		want time.Duration
		ok   bool
	}{
		{line + "7 5 0 0 20 0 1 0 100 0 0", 12, true},
		{line + "7", 0, false},
		{line + "x 5 0 0 20", 0, false},
		{"", 0, false},
	} {
		if got, err := statTicks(test.stat); got != test.want || (err == nil) != test.ok {
			t.Errorf("statTicks(%q) = %v, %v; want %v, ok %v", test.stat, got, err, test.want, test.ok)
		}
	}
}

func TestCPUTimeCountsWorkAndNotWaiting(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := cpuTime(os.Getpid())
	for begin := threadTime(); threadTime()-begin < 50*time.Millisecond; {
		work()
	}
	if used := cpuTime(os.Getpid()) - before; used < 40*time.Millisecond {
		t.Errorf("50 ms of work: %v of CPU time", used)
	}
	if used := cpuTime(1 << 30); used != 0 {
		t.Errorf("a process that does not exist used %v", used)
	}
}

// A guest that computes is stopped by its CPU time, one that sleeps by the wall clock, and one that a busy host keeps
// waiting by neither.
func TestDeadlineFollowsCPUTime(t *testing.T) {
	limit := time.Hour
	var used atomic.Int64
	expired := make(chan struct{})
	d := newDeadline(func() time.Duration { return time.Duration(used.Load()) }, limit, func() { close(expired) })
	defer d.stop()
	select {
	case <-expired:
		t.Fatal("stopped before it had any CPU time")
	case <-time.After(300 * time.Millisecond):
	}
	used.Store(int64(float64(limit)*Slowness()) + 1)
	<-expired
	if !d.expired() {
		t.Error("a guest past its limit is not marked as expired")
	}
}

func TestDeadlineOfAnIdleGuest(t *testing.T) {
	expired := make(chan struct{})
	d := newDeadline(func() time.Duration { return 0 }, 10*time.Millisecond, func() { close(expired) })
	defer d.stop()
	<-expired
}
