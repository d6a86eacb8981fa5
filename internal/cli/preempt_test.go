package cli

import (
	"fmt"
	"math"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// preemptModel switches a PREEMPT_DYNAMIC kernel to a preemption model. It skips the test on a
// kernel without that model.
func preemptModel(t *testing.T, model string) {
	t.Helper()
	const dir = "/sys/kernel/debug"
	if err := unix.Mount("debugfs", dir, "debugfs", 0, ""); err != nil && err != unix.EBUSY {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/sched/preempt", []byte(model), 0); err != nil {
		t.Skipf("this kernel offers no %s preemption: %v", model, err)
	}
	if got := kernel.Preemption(); got != model {
		t.Fatalf("preemption model %s, want %s", got, model)
	}
}

// Many threads on one CPU do nothing but open files: the worst case for a probe that can be preempted. The totals are
// complete, and no reading contains the time of another thread.
func TestIcountPreemption(t *testing.T) {
	vmtest.IcountGuest(t)
	w := startWorkload(t)
	startReference(t, map[uint32]enforcer.Rules{w.mntns: {File: 8}})
	for _, model := range []string{kernel.PreemptFull, kernel.PreemptLazy} {
		t.Run(model, func(t *testing.T) {
			preemptModel(t, model)
			single := preempted(t, w, 1)
			for _, threads := range []int{4, 16} {
				compareOpens(t, threads, preempted(t, w, threads), single)
			}
		})
	}
}

// compareOpens holds the figures of several threads against those of one.
func compareOpens(t *testing.T, threads int, got, single openFigures) {
	t.Helper()
	t.Logf("%d threads: %.3f %% timed, %d preempted, %d missed; "+
		"p50 %.0f ns (1 thread: %.0f ns), p99 %.0f ns, mean %.0f ns",
		threads, got.Percent, got.Preempted, got.Missed, got.p50, single.p50, got.p99, got.mean)
	if want := float64(threads * opensPerThread); math.Abs(got.calls-want) > 0.005*want {
		t.Errorf("%d threads: %.0f calls, want %.0f within 0.5 %%", threads, got.calls, want)
	}
	if math.Abs(got.p50-single.p50) > 0.1*single.p50 {
		t.Errorf("%d threads: p50 %.0f ns, want %.0f ns as with 1 thread", threads, got.p50, single.p50)
	}
	// A tick is 4 ms long: a reading that contains the turn of another thread is longer.
	if got.p99 > 10*single.p50 || got.mean > 2*single.mean {
		t.Errorf("%d threads: p99 %.0f ns, mean %.0f ns; 1 thread: p50 %.0f ns, mean %.0f ns",
			threads, got.p99, got.mean, single.p50, single.mean)
	}
}

const opensPerThread = 4000

type openFigures struct {
	calls, p50, p99, mean float64
	Percent               float64
	Preempted, Missed     uint64
}

func preempted(t *testing.T, w *workload, threads int) (f openFigures) {
	t.Helper()
	r := startRecord(t)
	w.do(fmt.Sprintf("openat*%d", threads), opensPerThread)
	r.finish()
	for _, row := range r.doc.Rows {
		if row.MntNS == w.mntns && row.Syscall == "openat" && row.Hook == "file_open" {
			f.calls, f.p50, f.p99, f.mean = float64(row.Calls), row.P50Ns, row.P99Ns, row.MeanNs
		}
	}
	for _, p := range r.doc.Programs {
		if p.Hook == "file_open" {
			c := p.Completeness
			f.Percent, f.Preempted, f.Missed = c.Percent, c.Preempted, c.Missed
		}
	}
	return f
}
