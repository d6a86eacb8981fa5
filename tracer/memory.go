package tracer

import (
	"math/bits"

	"github.com/lsmprof/lsmprof/profile"
)

const (
	// leastCounters are more than two workloads need, and few enough for hundreds of programs on any machine.
	leastCounters = 16
	// usualCounters serve most machines. Every poll looks at each counter, so a CPU gets more only if the caller
	// gives more memory than DefaultMemory.
	usualCounters = 1024
	// mostCounters: 500 workloads with 40 syscalls each fill a third of them.
	mostCounters = 1 << 16

	// shares is the number of parts that the memory is divided into. No target gets more than one, so that some is
	// left for programs that are attached later. One part of DefaultMemory is the largest map value.
	shares = 16
)

// countersPerCPU divides the memory that is not taken yet among targets, and returns the number of counters of each
// target on a CPU: a power of two. Memory is in bytes.
func countersPerCPU(memory, taken, targets, cpus int) int {
	share := min((memory-taken)/max(targets, 1), memory/shares)
	most := usualCounters
	if memory > DefaultMemory {
		most = mostCounters
	}
	n := leastCounters
	for n < most && countersOfAll(2*n, cpus)*counterSize <= share {
		n *= 2
	}
	return n
}

// countersOfAll returns the number of counters of a target on all CPUs: a power of two, as the inline probes need it.
func countersOfAll(perCPU, cpus int) int { return perCPU << bits.Len(uint(cpus-1)) }

// taken returns the memory of the counters of all targets, in bytes.
func (s *probeSet) taken() (sum int) {
	for _, t := range s.order {
		if t.probe != nil && t.probe.counters != nil {
			sum += len(t.probe.counters.mem)
		}
	}
	return sum
}

// CounterUsage returns the usage of each program that is probed now, as of the last Poll.
func (t *Tracer) CounterUsage() []profile.CounterUsage {
	if t.set == nil {
		return nil
	}
	var all []profile.CounterUsage
	for i, target := range t.set.order {
		if target.probe != nil {
			c := target.probe.counters
			all = append(all, profile.CounterUsage{
				Program: i, Used: c.used, Counters: len(c.last), Bytes: len(c.last) * counterSize,
			})
		}
	}
	return all
}
