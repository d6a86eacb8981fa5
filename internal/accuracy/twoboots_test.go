package accuracy

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

// twoBootsFile keeps, for the second boot, what the first one measured.
const twoBootsFile = "LSMPROF_TWO_BOOTS"

// What AppArmor takes of an open and close, under a profile, is what the loop takes more than on the same kernel booted
// without AppArmor: its functions, and what the framework takes more to call them and to allocate what they keep with a
// file. `make two-boots` runs this test in both guests, first in the one without.
func TestIcountTwoBootsAppArmor(t *testing.T) {
	vmtest.IcountGuest(t)
	file := os.Getenv(twoBootsFile)
	if file == "" {
		t.Skip("needs two guests: `make two-boots`")
	}
	active, err := kernel.LSMs()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := calibratedForFunctions(t)
	if !slices.Contains(active, "apparmor") {
		without := r.measureBoot(t, tracer.Total)
		if err := os.WriteFile(file, fmt.Appendf(nil, "%g %g", without.loop, without.total),
			0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var without bootCosts
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run the test in the guest without AppArmor first", err)
	}
	if _, err := fmt.Sscan(string(data), &without.loop, &without.total); err != nil {
		t.Fatal(err)
	}
	underAppArmor(t, 8, func() {
		with := r.measureBoot(t, "apparmor", tracer.Total)
		truth, reported := with.loop-without.loop, with.total-without.total
		t.Logf("AppArmor takes %.0f instructions of an open and close; reported %.0f, %.0f of it in its "+
			"functions", truth, reported, with.members)
		if !near(reported, truth, 0.03) {
			t.Errorf("%.1f %% off", 100*(reported/truth-1))
		}
	})
}

// bootCosts are what an open and close takes: as a whole, in the hooks of a file, and in the functions of AppArmor.
type bootCosts struct{ loop, total, members float64 }

func (r *Rig) measureBoot(t *testing.T, lsms ...string) (c bootCosts) {
	t.Helper()
	op, err := openClose(2)()
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	functions, err := tracer.Functions(lsms)
	if err != nil {
		t.Fatal(err)
	}
	hooks := []string{"file_open", "file_alloc_security", "file_free_security"}
	functions = slices.DeleteFunc(functions, func(f tracer.Function) bool {
		return f.Unavailable != "" || !slices.Contains(hooks, f.Hook)
	})
	if c.loop, err = op.latency(); err != nil {
		t.Fatal(err)
	}
	costs, err := r.probe(nil, tracer.Options{Functions: functions}, r.calibration, op.latencies)
	if err != nil {
		t.Fatal(err)
	}
	for i := range costs.Rows {
		row := &costs.Rows[i]
		if row.Workload.MntNS != r.mntns || !slices.Contains([]string{"open", "openat", "close"}, row.Syscall) {
			continue
		}
		each := row.Hook / float64(op.total())
		t.Logf("%s %s: %.0f", row.Syscall, row.Program.Name, each)
		c.total += each
		if row.Program.Enforcer != tracer.Total {
			c.members += each
		}
	}
	t.Logf("%.0f instructions, %.0f in hooks of a file", c.loop, c.total)
	return c
}
