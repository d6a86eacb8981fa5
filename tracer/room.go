package tracer

import "math/bits"

const (
	// More than one workload or two need, and so few that hundreds of programs may have them on any machine.
	leastCells = 16
	// What serves most machines. A poll looks at each, so there are no more unless more memory than the default is given.
	usualCells = 1024
	// 500 workloads with 40 syscalls each fill a third of these.
	mostCells = 1 << 16

	// shares are the parts of the memory of which no target gets more than one, so that programs that are attached later find
	// some. A part of DefaultMemory is what quick probes can have (largestValue).
	shares = 16
)

// cellsPerCPU divides what is left of the memory, some of which is taken, among targets that are to be probed: a power of two.
func cellsPerCPU(memory, taken, targets, cpus int) int {
	share := min((memory-taken)/max(targets, 1), memory/shares)
	most := usualCells
	if memory > DefaultMemory {
		most = mostCells
	}
	n := leastCells
	for n < most && cellsOfAll(2*n, cpus)*cellSize <= share {
		n *= 2
	}
	return n
}

// cellsOfAll is the number of cells of a target with so many on a CPU, both powers of two as quick probes want it.
func cellsOfAll(perCPU, cpus int) int { return perCPU << bits.Len(uint(cpus-1)) }

// taken is the memory that the counters of all targets have now.
func (t *Tracer) taken() (sum int) {
	for _, tr := range t.order {
		if tr.probe != nil && tr.probe.cells != nil {
			sum += len(tr.probe.cells.mem)
		}
	}
	return sum
}

// Room says how many of a program's counters are taken. One that is taken is never given up while the program is probed: when
// none is left, what comes new is charged to [other].
type Room struct {
	Program     int // index into the programs of a Snapshot
	Used, Cells int
}

// Bytes is what they take, in the kernel.
func (r Room) Bytes() int { return r.Cells * cellSize }

// Room is that of each program that is probed now, as of the last Poll.
func (t *Tracer) Room() []Room {
	var all []Room
	for i, tr := range t.order {
		if tr.probe != nil {
			all = append(all, Room{i, tr.probe.cells.used, len(tr.probe.cells.last)})
		}
	}
	return all
}
