package bench

import (
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/tracer"
)

// If syscalls cannot be timed, a bench warns once and goes on without their times.
func TestSyscallsThatCannotBeTimedAreAWarning(t *testing.T) {
	d := newDir(t, shortPlan())
	defer d.Close()
	plan := &d.Info.Plan
	// An empty list of namespaces is refused on every kernel.
	m := &batchRun{
		bench: &Bench{Dir: d}, plan: plan, batch: plan.Tests,
		workers: &workers{mntns: make([][]uint32, len(plan.Scenarios))},
	}
	cells := map[string]rundir.Explained{"rules=8": {HookNs: 1}}
	for range 2 {
		if err := (&Profiler{}).syscalls(t.Context(), m, 0, rundir.Installed, cells); err != nil {
			t.Fatal(err)
		}
	}
	if w := d.Info.Warnings; len(w) != 1 || !strings.Contains(w[0],
		"is unknown, and so is the share of the hooks in them: time syscalls: ") {
		t.Errorf("warnings %q", w)
	}
	if e := cells["rules=8"]; e.Syscalls != nil || e.HookNs != 1 {
		t.Errorf("%+v", e)
	}
}

// Parallel copies of a command have a namespace each, and belong to one cell.
func TestSyscallsOfSeveralNamespacesAddUp(t *testing.T) {
	all := addSyscall(nil, tracer.SyscallTime{MntNS: 1, Syscall: "read", Calls: 10, Ns: 1000}, 10)
	all = addSyscall(all, tracer.SyscallTime{MntNS: 2, Syscall: "read", Calls: 30, Ns: 2000}, 10)
	all = addSyscall(all, tracer.SyscallTime{MntNS: 2, Syscall: "write", Calls: 5, Ns: 50}, 10)
	if len(all) != 2 || all[0].Calls != 4 || all[0].Ns != 300 || all[1].Calls != 0.5 || all[1].Ns != 5 {
		t.Errorf("%+v", all)
	}
}
