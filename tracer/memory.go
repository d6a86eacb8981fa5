package tracer

import (
	"cmp"
	"math/bits"

	"github.com/lsmprof/lsmprof/profile"
)

// shares is the number of parts that the memory is divided into. No target gets more than one, so that some is left for
// programs that are attached later. One part of DefaultMemory is what every kernel takes as a map value.
const shares = 16

// share divides the memory that is not taken yet among targets, and returns what each may take. All are in bytes.
func share(memory, taken, targets int) int {
	return min((memory-taken)/max(targets, 1), memory/shares)
}

// enoughMemory returns the memory, in bytes, with which every syscall of a program that had too few counters finds a
// counter in every workload. It is 0 if no program had too few.
func (t *Tracer) enoughMemory() int {
	syscalls := map[int]map[string]bool{} // by program that had too few
	for key := range t.rows {
		if key.workload == nil {
			syscalls[key.program] = map[string]bool{"": true} // at least one more than is known
		}
	}
	if len(syscalls) == 0 {
		return 0
	}
	workloads := map[uint32]bool{}
	for ns := range t.set.names.now {
		workloads[ns] = true
	}
	for key := range t.rows {
		if key.workload != nil {
			workloads[key.workload.MntNS] = true
			if of := syscalls[key.program]; of != nil {
				of[key.syscall] = true
			}
		}
	}
	most := 1
	for _, of := range syscalls {
		keys := len(workloads) * len(of)
		// Three quarters of the counters are shared. At most three quarters of those are taken, or a fifth
		// of the front of a CPU: so hardly any key finds all its places taken.
		counters := keys * 16 / 9
		if t.set.machine.scope == profile.ScopeHook {
			counters = keys * 5 * t.set.loader.cpus
		}
		most = max(most, counters)
	}
	memory := counterSize << bits.Len(uint(most-1)) * max(shares, len(t.set.targets))
	if now := cmp.Or(t.set.opts.Memory, DefaultMemory); memory <= now {
		memory = 2 * now // some syscalls were only ever seen under [other]
	}
	return memory
}

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
			u := target.probe.counters.usage()
			u.Program = i
			all = append(all, u)
		}
	}
	return all
}

// usage returns the usage of the region that decides whether a new key finds a counter: the shared part or, without
// one, the fullest front.
func (c *counters) usage() profile.CounterUsage {
	u := profile.CounterUsage{Bytes: len(c.mem), SharedCalls: c.shared}
	for _, r := range c.regions {
		if c.layout.shared > 0 && !r.shared {
			continue
		}
		if used := len(r.used); u.Counters == 0 || used > u.Used {
			u.Used, u.Counters = used, r.end-r.first
		}
	}
	return u
}
