package tracer

import (
	"testing"

	"github.com/lsmprof/lsmprof/bpf"
)

func TestDifferenceOfWrappedCounters(t *testing.T) {
	last := bpf.ProbeCounter{Tag: 3<<32 | 7, Sum: 1 << 40, Denials: 1<<32 - 1, Preempted: 5}
	last.Readings[10] = 1<<32 - 3
	now := last
	now.Sum += 900
	now.Denials++ // to 0
	now.Readings[10] += 5
	now.Comm = [16]uint8{'c', 'a', 't'}
	d, changed := difference(&now, &last)
	if !changed {
		t.Fatal("the change is not seen")
	}
	want := count{mntns: 7, syscall: 3, comm: "cat", sum: 900, denials: 1}
	want.readings[10] = 5
	if *d != want {
		t.Errorf("%+v, want %+v", *d, want)
	}
	if _, changed := difference(&now, &now); changed {
		t.Error("a change is seen although nothing changed")
	}
}

// A counter may be copied between the updates of its sum and of its histogram. The next drain returns what is missing.
func TestDifferenceOfHalfUpdatedCounter(t *testing.T) {
	var last, half, whole bpf.ProbeCounter
	half.Sum = 100
	whole.Sum, whole.Readings[20] = 100, 1
	first, changed := difference(&half, &last)
	if !changed {
		t.Fatal("the sum is lost")
	}
	second, _ := difference(&whole, &half)
	if first.sum+second.sum != 100 || first.readings.Count()+second.readings.Count() != 1 {
		t.Errorf("%+v then %+v", first, second)
	}
}

func TestDisplacedKeys(t *testing.T) {
	for home, want := range map[int]bool{
		0: true, // where the counter for [other] is
		5: false,
	} {
		l := newLayout(0, 1, []int{0})
		c := &counters{mem: make(mapMemory, l.counters()*counterSize), layout: l}
		c.init()
		syscall := uint32(8*l.front + home) // the hash, as the mount namespace is 0
		if got := c.claim(0, 0, syscall); got != claimed {
			t.Fatalf("claim: %d", got)
		}
		c.drain(func(*count) {})
		if got := c.displaced(); got != want {
			t.Errorf("home %d: displaced %v, want %v", home, got, want)
		}
	}
}
