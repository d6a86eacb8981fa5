package tracer

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

const quickMap = ".data.counters"

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
		v.enter, v.exit = bpf.ProbeProgProbeEnterInline, bpf.ProbeProgProbeExitInline
		if l.mode == preemptible {
			v.enter, v.exit = bpf.ProbeProgProbeEnterInlinePreemptible, bpf.ProbeProgProbeExitInlinePreemptible
		}
		v.quick, v.pair = true, profile.ProbeEvery
	case l.mode&^preemptible == bpf.ProbeModeMODE_MNTNS:
		v.enter = bpf.ProbeProgProbeEnterMntns
	case l.mode&^preemptible == bpf.ProbeModeMODE_SAMPLE:
		v.enter = bpf.ProbeProgProbeEnterSample
	}
	return v, nil
}

// placeQuickCells gives the map value that holds all counters its size, and patches the two masks that follow from it into the
// instructions of the pair. It fails if the exit program has no instruction to patch: object and loader do not match then.
func (l *loader) placeQuickCells(spec *ebpf.CollectionSpec) error {
	quick := spec.Maps[quickMap]
	quick.Key, quick.Value = nil, nil // they describe one counter
	quick.ValueSize = uint32(l.quickCells() * cellSize)
	quick.Contents = nil
	delete(spec.Variables, bpf.ProbeVarInlineCounters)
	masks := map[bpf.ProbePatchedImmediate]int{
		bpf.ProbePatchedImmediateLAST_COUNTER_OF_CPU: l.cells - 1,
		bpf.ProbePatchedImmediateLAST_COUNTER:        l.quickCells() - 1,
	}
	for placeholder, mask := range masks {
		for _, p := range spec.Programs {
			patched := patch(p.Instructions, int64(placeholder), int64(mask))
			if isExit := p.AttachType == ebpf.AttachTraceFExit; isExit != (patched > 0) {
				return fmt.Errorf("probe object: %d instructions of %s hold %v", patched, p.Name, placeholder)
			}
		}
	}
	return nil
}

// patch replaces a constant in all instructions that hold it and returns their number.
func patch(program asm.Instructions, placeholder, value int64) (patched int) {
	for i := range program {
		if program[i].Constant == placeholder {
			program[i].Constant = value
			patched++
		}
	}
	return patched
}
