package tracer

import (
	"testing"
)

func TestCountersPerCPU(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		what                         string
		memory, taken, targets, cpus int
		want                         int
	}{
		{"at most what serves most machines", DefaultMemory, 0, 1, 2, 1024},
		{"by default at most what fits into a map value", DefaultMemory, 0, 1, 64, 128},
		{"a power of two", DefaultMemory, 0, 40, 4, 512},
		{"enough for two workloads at least", 1, 0, 200, 64, 16},
		{"more if the caller gives more memory", 512 * mib, 0, 14, 2, 1 << 15},
		{"but at most what 500 workloads need", 1 << 40, 0, 14, 2, 1 << 16},
		{"the number of CPUs is rounded up to a power of two", DefaultMemory, 0, 16, 33, 128},
		{"later programs share what is left", DefaultMemory, 60 * mib, 4, 4, 512},
		{"which may be nothing", DefaultMemory, 65 * mib, 4, 4, 16},
	} {
		got := countersPerCPU(c.memory, c.taken, c.targets, c.cpus)
		if got != c.want {
			t.Errorf("%s: %d bytes, %d taken, for %d targets on %d CPUs: %d counters, want %d",
				c.what, c.memory, c.taken, c.targets, c.cpus, got, c.want)
		}
		took := c.taken + c.targets*countersOfAll(got, c.cpus)*counterSize
		if got > leastCounters && took > c.memory {
			t.Errorf("%s: %d of %d bytes are taken", c.what, took, c.memory)
		}
	}
}
