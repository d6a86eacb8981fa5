package tracer

import (
	"slices"

	"github.com/lsmprof/lsmprof/bpf"
)

// layout says where the counters of a target lie in their map: the fronts, one after the other, and then the part that
// all CPUs share.
type layout struct {
	front  int   // counters in a front, a power of two
	fronts int   // with a shared part, the last one is common to the CPUs that were offline at the start
	of     []int // the front of each possible CPU
	shared int   // counters of the shared part; 0: there is none
}

const (
	// leastFront holds the two special counters, and two keys.
	leastFront = 4
	// leastCounters are enough for a few workloads on a small machine.
	leastCounters = 64
	// mostCounters of a target take 128 MiB. Larger map values are untested.
	mostCounters = 1 << 19
	// sharedWays is the number of places that a key has in the shared part: SHARED_WAYS of bpf/counters.h.
	sharedWays = 24
)

// newLayout divides some bytes between fronts and a shared part. The number of counters is a power of two, as the
// inline probes need it. A quarter of them are in fronts.
func newLayout(bytes, possible int, online []int) layout {
	fronts := len(online) + 1
	all := leastCounters
	for all < 2*leastFront*fronts || all < mostCounters && 2*all*counterSize <= bytes {
		all *= 2
	}
	l := layout{front: leastFront, fronts: fronts, of: make([]int, possible)}
	for 4*2*l.front*fronts <= all {
		l.front *= 2
	}
	l.shared = all - fronts*l.front
	for cpu := range l.of {
		l.of[cpu] = fronts - 1
		if i := slices.Index(online, cpu); i >= 0 {
			l.of[cpu] = i
		}
	}
	return l
}

// newLegacyLayout gives every possible CPU a front, and no shared part: before Linux 5.12, BPF lacks the atomic
// instruction that claims a shared counter.
func newLegacyLayout(bytes, possible int) layout {
	const least, most = 16, 1 << 16
	l := layout{front: least, fronts: possible, of: make([]int, possible)}
	for l.front < most && 2*l.front*possible*counterSize <= bytes {
		l.front *= 2
	}
	for cpu := range l.of {
		l.of[cpu] = cpu
	}
	return l
}

// counters returns the number of all counters.
func (l layout) counters() int { return l.sharedFirst() + l.shared }

func (l layout) sharedFirst() int { return l.fronts * l.front }

// commonFront returns the index of the first counter of the common front.
func (l layout) commonFront() int { return (l.fronts - 1) * l.front }

// hasFront reports whether a CPU has its own front.
func (l layout) hasFront(cpu int) bool { return l.shared == 0 || l.of[cpu] < l.fronts-1 }

// fill fills in the slot of each possible CPU.
func (l layout) fill(slots []bpf.ProbeSlot) {
	for cpu, front := range l.of {
		slots[cpu].First = uint32(front * l.front)
		if l.hasFront(cpu) {
			slots[cpu].Mask = uint32(l.front - 1)
		}
	}
}

// constants returns what the probes need to know.
func (l layout) constants() map[string]any {
	if l.shared == 0 {
		return nil
	}
	return map[string]any{
		bpf.ProbeVarCommonFront:  uint32(l.commonFront()),
		bpf.ProbeVarSharedFirst:  uint32(l.sharedFirst()),
		bpf.ProbeVarSharedPlaces: uint32(l.shared - sharedWays + 1),
	}
}
