package enforcer_test

import (
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// Five times a second the tracer reads the rules of every workload. While they stay the same, that must take little:
// for 250 workloads 5 million instructions at most. Two system calls for each workload and map take several times as
// many.
func TestIcountRulesOfManyWorkloadsAreReadQuickly(t *testing.T) {
	vmtest.IcountGuest(t)
	const workloads, first, readings, most = 250, 4026532000, 20, 5 * time.Millisecond
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
}
