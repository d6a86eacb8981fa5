package accuracy

import (
	"testing"

	"github.com/cilium/ebpf/rlimit"

	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

// Probes on 200 programs are attached several at a time, and every program records every call. The bounds on time
// allow for a busy machine that is emulated.
func TestManyProgramsAreProbed(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	scaleGuest(t)
	const programs = 200
	a, err := measureAttaching(programs)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", a)
	if a.Targets != programs && a.Targets != len(manyHooks) {
		t.Errorf("probes on %d targets, want %d programs or %d hooks", a.Targets, programs, len(manyHooks))
	}
	if a.Progress != a.Targets {
		t.Errorf("progress was reported %d times, want %d", a.Progress, a.Targets)
	}
}

// With enough memory, every combination of 60 workloads, 14 programs and 10 syscalls has a row.
func TestManyWorkloadsAreRecordedCompletely(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	scaleGuest(t)
	c, err := measureManyWorkloads(60, 14, 10, 96)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", c)
	if want := c.Workloads * c.Programs * c.Syscalls; c.Other > 0 || c.Rows < want {
		t.Errorf("%d rows and %.1f %% of the calls in [other], want %d and 0 %%", c.Rows, c.Other, want)
	}
}

// With the default memory, a node with 192 CPUs names the workload and the syscall of every call of 250 confined
// workloads. While nothing happens lsmprof takes less than 15 million instructions a second, of which a CPU executes
// 1,000 million and more. `make scale` measures other nodes.
func TestIcountLargeNodeNamesItsWorkloads(t *testing.T) {
	vmtest.IcountGuest(t)
	vmtest.OnOneKernel(t)
	scaleGuest(t)
	const workloads = 250
	n, err := MeasureNode(192, workloads)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", n)
	if n.Other > 0 || n.Rows < 25*workloads || n.Kernel > tracer.DefaultMemory {
		t.Errorf("%.2f %% of the calls are under [other], in %d rows and %d bytes; want none", n.Other, n.Rows,
			n.Kernel)
	}
	if n.Idle > 1.5 {
		t.Errorf("lsmprof takes %.2f %% of a CPU while nothing happens, want 1.5 %% at most", n.Idle)
	}
}

func scaleGuest(t *testing.T) {
	t.Helper()
	if err := rlimit.RemoveMemlock(); err != nil { // before 5.11 maps count against it
		t.Fatal(err)
	}
}
