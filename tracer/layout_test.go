package tracer

import (
	"testing"

	"github.com/lsmprof/lsmprof/bpf"
)

func firstCPUs(n int) (all []int) {
	for cpu := range n {
		all = append(all, cpu)
	}
	return all
}

func TestLayout(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		what                    string
		bytes, possible, online int
		front, all              int
	}{
		{"two CPUs", 4 * mib, 2, 2, 1024, 16384},
		{"as many counters, wherever the CPUs are", 4 * mib, 192, 2, 1024, 16384},
		{"64 CPUs", 4 * mib, 64, 64, 32, 16384},
		{"192 CPUs", 4 * mib, 192, 192, 16, 16384},
		{"a power of two", 3 * mib, 2, 2, 512, 8192},
		{"large machines with little memory", 1, 192, 192, 4, 2048},
		{"small machines with little memory", 1, 1, 1, 8, 64},
		{"much memory", 1 << 40, 4, 4, 1 << 14, mostCounters},
	} {
		l := newLayout(c.bytes, c.possible, firstCPUs(c.online))
		if l.front != c.front || l.counters() != c.all {
			t.Errorf("%s: %d counters in a front, %d in all, want %d and %d", c.what, l.front, l.counters(),
				c.front, c.all)
		}
		if l.shared < l.counters()/4 || l.shared < sharedWays {
			t.Errorf("%s: only %d of %d counters are shared", c.what, l.shared, l.counters())
		}
	}
}

// A CPU that was offline at the start has the common front, where it may claim no counter.
func TestSlotsOfCPUs(t *testing.T) {
	l := newLayout(1<<20, 4, []int{0, 2})
	slots := make([]bpf.ProbeSlot, 4)
	l.fill(slots)
	for cpu, want := range []struct{ front, mask int }{{0, l.front - 1}, {2, 0}, {1, l.front - 1}, {2, 0}} {
		if got := slots[cpu]; int(got.First) != want.front*l.front || int(got.Mask) != want.mask {
			t.Errorf("CPU %d: first %d, mask %d; want %d and %d", cpu, got.First, got.Mask,
				want.front*l.front,
				want.mask)
		}
	}
	c := &counters{mem: make(mapMemory, l.counters()*counterSize), layout: l}
	c.init()
	for i := l.commonFront() + 1; i < l.sharedFirst(); i++ {
		if c.at(i).Tag != tagSink {
			t.Fatalf("counter %d of the common front is free", i-l.commonFront())
		}
	}
}

func TestLegacyLayout(t *testing.T) {
	l := newLegacyLayout(1<<20, 33)
	if l.front != 64 || l.counters() != 33*64 || l.shared != 0 || l.constants() != nil {
		t.Errorf("%+v, want 64 counters for each of 33 CPUs", l)
	}
	if l := newLegacyLayout(1<<40, 2); l.front != 1<<16 {
		t.Errorf("%d counters in a front, want at most %d", l.front, 1<<16)
	}
}
