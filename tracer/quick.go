package tracer

import (
	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

// LAST_QUICK_CELL_OF_CPU and LAST_QUICK_CELL of bpf/cells.h.
const (
	lastQuickCellOfCPU = 0x7ce11a55
	lastQuickCell      = 0x7ce11a57
)

const quickMap = ".data.cells"

// largestValue is what most kernels let a map value have (KMALLOC_MAX_SIZE): room for the cells of all CPUs, of quick probes.
const largestValue = 4 << 20

// quickCells is their number: a power of two.
func (l *loader) quickCells() int { return cellsOfAll(l.cells, l.cpus) }
func (l *loader) quickFits() bool { return l.quickCells()*cellSize <= largestValue }

// variant is the target's, with the pair that is made for this loader's mode where there is one.
func (l *loader) variant(t target) (variant, error) {
	v, err := t.variant()
	if err != nil || t.scope != profile.ScopeProgram || t.program.Sleepable {
		return v, err
	}
	const preemptible = bpf.ProbeModeMODE_PREEMPTIBLE
	switch {
	case l.mode&^preemptible == 0 && l.quickFits():
		v.enter, v.exit = bpf.ProbeProgProbeEnterQuick, bpf.ProbeProgProbeExitQuick
		if l.mode == preemptible {
			v.enter, v.exit = bpf.ProbeProgProbeEnterQuickPreemptible, bpf.ProbeProgProbeExitQuickPreemptible
		}
		v.quick, v.pair = true, profile.PairPlain
	case l.mode&^preemptible == bpf.ProbeModeMODE_MNTNS:
		v.enter = bpf.ProbeProgProbeEnterMntns
	case l.mode&^preemptible == bpf.ProbeModeMODE_SAMPLE:
		v.enter = bpf.ProbeProgProbeEnterSample
	}
	return v, nil
}

// placeQuickCells gives the map value that has all cells its size, and the programs the two numbers that follow from it.
func (l *loader) placeQuickCells(spec *ebpf.CollectionSpec) {
	quick := spec.Maps[quickMap]
	quick.Key, quick.Value = nil, nil // they describe one cell
	quick.ValueSize = uint32(l.quickCells() * cellSize)
	quick.Contents = nil
	delete(spec.Variables, bpf.ProbeVarQuickCells)
	for _, p := range spec.Programs {
		for i := range p.Instructions {
			switch p.Instructions[i].Constant {
			case lastQuickCellOfCPU:
				p.Instructions[i].Constant = int64(l.cells - 1)
			case lastQuickCell:
				p.Instructions[i].Constant = int64(l.quickCells() - 1)
			}
		}
	}
}
