package accuracy

import (
	"context"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/tracer"
)

// otherPlaces is what calls that find their counter in the front take more, on average: in a full front, a third of the
// keys are in their second or third place, for some 45 instructions.
const otherPlaces = 15

// On a crowded CPU some workloads have their counters in its front, and others in the part that all CPUs share. What
// lsmprof adds to a call, on average over the workloads, is then at most what the two kinds of calls may cost.
func TestIcountCallsOfAMixCost(t *testing.T) {
	r := rigOf(t)
	detach, err := small("task_getpgid", 0).attach()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := detach(); err != nil {
			t.Error(err)
		}
	}()
	cal := r.calibration
	cal.Preemptible = false
	latency := crowdOf(t, 100)
	before := latency()
	tr, err := tracer.Start(withPreemptible(false), tracer.Options{
		Select:      func(p tracer.Program) bool { return p.Hook == "task_getpgid" },
		Calibration: cal, Memory: some, // a front of 64
	})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	with := latency()
	if err := tr.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	snap, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	share := float64(tr.CounterUsage()[0].SharedCalls) / float64(snap.Total().Timed)

	here := originHere(t).Kernel
	front, shared := target(here, Lsmprof)+otherPlaces, target(here, LsmprofShared)
	added, most := with-before, (1-share)*front+share*shared
	t.Logf("%.1f %% of the calls are charged to shared counters; a call takes %.1f instructions more, at most %.1f",
		100*share, added, most)
	if share < 0.2 || share > 0.8 {
		t.Errorf("%.1f %% of the calls are charged to shared counters: no mix", 100*share)
	}
	if added > most {
		t.Errorf("a call takes %.1f instructions more, want at most %.1f", added, most)
	}
}

// crowdOf starts threads in their own mount namespaces. It returns a function that measures the latency of
// getpgid(2) in each, one after the other, and returns the mean.
func crowdOf(t *testing.T, threads int) (latency func() float64) {
	op, err := getpgid()
	if err != nil {
		t.Fatal(err)
	}
	op.batches = 40
	type result struct {
		ns  float64
		err error
	}
	ask, results := make([]chan struct{}, threads), make(chan result)
	for i := range ask {
		ask[i] = make(chan struct{})
		t.Cleanup(func() { close(ask[i]) })
		go func() {
			runtime.LockOSThread() // and never unlock: the thread ends with its namespace
			err := unix.Unshare(unix.CLONE_NEWNS)
			for range ask[i] {
				r := result{err: err}
				if err == nil {
					r.ns, r.err = op.latency()
				}
				results <- r
			}
		}()
	}
	return func() (mean float64) {
		for i := range ask {
			ask[i] <- struct{}{}
			r := <-results
			if r.err != nil {
				t.Fatal(r.err)
			}
			mean += r.ns / float64(threads)
		}
		return mean
	}
}
