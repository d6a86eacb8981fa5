package enforcer_test

import (
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

// Five times a second the tracer reads the rules of every workload. While they stay the same, that must take little:
// for 250 workloads 2 million instructions at most, most of them the kernel's, and no memory for each workload. To make
// policies of what was read would take twice as many.
func TestIcountRulesOfManyWorkloadsAreReadQuickly(t *testing.T) {
	vmtest.IcountGuest(t)
	const workloads, first, readings, most = 250, 4026532000, 20, 2 * time.Millisecond
	e, err := reference.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r, err := enforcer.Reference.Open(programs(t, e))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	policy := rules(t, "8")
	for ns := range uint32(workloads) {
		if err := e.Confine(first+ns, policy); err != nil {
			t.Fatal(err)
		}
	}
	read := func() {
		all, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != workloads || all[first].Rules.File != 8 || all[first].Rules.Cap != 8 {
			t.Fatalf("%d workloads, the first has %+v", len(all), all[first].Rules)
		}
	}
	read() // counts the rules of each map
	before := kernel.CPUTime()
	for range readings {
		read()
	}
	each := (kernel.CPUTime() - before) / readings
	t.Logf("a reading of %d workloads takes %v", workloads, each)
	if each > most {
		t.Errorf("a reading takes %v of CPU time, want at most %v", each, most)
	}
	if allocations := testing.AllocsPerRun(readings, read); allocations >= workloads {
		t.Errorf("a reading allocates %g times", allocations)
	}
	listInnerMaps(t, programs(t, e), workloads)
	if err := e.Confine(first, rules(t, "2")); err != nil {
		t.Fatal(err)
	}
	all, err := r.Read()
	if got := all[first].Rules.File; err != nil || got != 2 || all[first+1].Rules.File != 8 {
		t.Errorf("%d rules after the change to 2, %v", got, err)
	}
}

// The maps with the rules of all workloads are listed without waiting for the kernel, which before Linux 6.8 makes each
// lookup in a map of maps wait for a grace period: 12 s for 250 workloads.
func listInnerMaps(t *testing.T, programs []tracer.Program, workloads int) {
	t.Helper()
	began, seen := time.Now(), map[ebpf.MapID]bool{}
	for _, p := range programs {
		for _, id := range p.Maps {
			m, err := ebpf.NewMapFromID(id)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if m.Type() != ebpf.HashOfMaps || seen[id] {
				continue
			}
			seen[id] = true
			if inner, err := enforcer.InnerMaps(m); err != nil || len(inner) != workloads {
				t.Errorf("%s: %d maps, %v, want %d", m, len(inner), err, workloads)
			}
		}
	}
	took := time.Since(began)
	t.Logf("the maps in %d maps are listed in %v", len(seen), took)
	if len(seen) < 3 || took > 200*time.Millisecond {
		t.Errorf("the maps in %d maps took %v, want 200 ms at most", len(seen), took)
	}
}
