package tracer

import (
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

// variant names the BPF programs for a target: the pair that counts, the pair that emits events, and the program that
// takes stacks.
type variant struct {
	enter, exit string
	inline      bool // all counters of the pair lie in one map value
	kind        profile.ProbeKind

	traceEnter, traceExit, stack string
}

// variant returns the one that works in any mode.
func (t target) variant() (variant, error) {
	switch {
	case t.scope == profile.ScopeFunction && !t.legacy:
		return variant{
			enter: bpf.ProbeProgProbeEnter, exit: bpf.ProbeProgProbeExitHook, kind: t.functionKind(),
			traceEnter: bpf.TraceProgTraceEnter, traceExit: bpf.TraceProgTraceExitFunction,
			stack: bpf.TraceProgStackSampleFunction,
		}, nil
	case t.scope == profile.ScopeProgram && t.program.Sleepable:
		return variant{
			enter: bpf.ProbeProgProbeEnterSleepable, exit: bpf.ProbeProgProbeExitSleepable,
			kind:       profile.ProbeSleepable,
			traceEnter: bpf.TraceProgTraceEnterSleepable, traceExit: bpf.TraceProgTraceExitSleepable,
			stack: bpf.TraceProgStackSample,
		}, nil
	case t.scope == profile.ScopeProgram:
		return variant{
			enter: bpf.ProbeProgProbeEnter, exit: bpf.ProbeProgProbeExit, kind: profile.ProbeSelective,
			traceEnter: bpf.TraceProgTraceEnter, traceExit: bpf.TraceProgTraceExit,
			stack: bpf.TraceProgStackSample,
		}, nil
	case t.refused:
		return variant{
			enter: bpf.ProbeProgProbeEnter, exit: bpf.ProbeProgProbeExitHook, kind: profile.ProbeHook,
			stack: bpf.TraceProgStackSample,
		}, nil
	case t.scope == profile.ScopeHook && t.program.Sleepable:
		// The start of a call cannot be kept with the task: task storage for tracing programs came with 5.11.
		return variant{}, fmt.Errorf("sleepable programs need Linux 5.18: %w", ErrUnsupported)
	}
	kind := profile.ProbeEvery
	if t.scope == profile.ScopeFunction {
		kind = t.functionKind()
	}
	return variant{
		enter: bpf.ProbeProgProbeEnterLegacy, exit: bpf.ProbeProgProbeExitLegacy, kind: kind,
		traceEnter: bpf.TraceProgTraceEnterLegacy, traceExit: bpf.TraceProgTraceExitLegacy,
		stack: bpf.TraceProgStackSampleLegacy,
	}, nil
}

// variant returns the target's, with the pair that was specialized for the loader's mode if there is one.
func (l *loader) variant(t target) (variant, error) {
	v, err := t.variant()
	if err != nil || v.exit != bpf.ProbeProgProbeExit && v.exit != bpf.ProbeProgProbeExitHook {
		return v, err
	}
	const preemptible = bpf.ProbeModeMODE_PREEMPTIBLE
	switch {
	case l.mode&^preemptible == 0 && l.fits(l.layout(v).counters()*counterSize) && v.exit == bpf.ProbeProgProbeExit:
		v.enter, v.exit = bpf.ProbeProgProbeEnterInline, bpf.ProbeProgProbeExitInline
		if l.mode == preemptible {
			v.enter = bpf.ProbeProgProbeEnterInlinePreemptible
			v.exit = bpf.ProbeProgProbeExitInlinePreemptible
		}
		v.inline, v.kind = true, profile.ProbeEvery
	case l.mode&^preemptible == bpf.ProbeModeMODE_MNTNS:
		v.enter = bpf.ProbeProgProbeEnterMntns
	case l.mode&^preemptible == bpf.ProbeModeMODE_SAMPLE:
		v.enter = bpf.ProbeProgProbeEnterSample
	}
	return v, nil
}

// inlineMap holds the counters of a pair in one value, which saves the probes a lookup.
const inlineMap = ".data.counters"

// layout returns where the counters of a target lie.
func (l *loader) layout(v variant) layout {
	if v.exit == bpf.ProbeProgProbeExitLegacy {
		return newLegacyLayout(l.share, l.cpus)
	}
	return newLayout(l.share, l.cpus, l.online)
}

// valueFits returns a function that reports whether the kernel takes map values of a size. Every kernel takes 4 MiB
// (KMALLOC_MAX_SIZE); Linux 6.1 and later take far more. The function tries, and is safe for concurrent use.
func valueFits(of machine) func(bytes int) bool {
	const always = 4 << 20
	var mu sync.Mutex
	known := map[int]bool{}
	return func(bytes int) bool {
		if bytes <= always || of.smallValues {
			return bytes <= always
		}
		mu.Lock()
		defer mu.Unlock()
		if _, ok := known[bytes]; !ok {
			m, err := ebpf.NewMap(&ebpf.MapSpec{
				Type: ebpf.Array, KeySize: 4, ValueSize: uint32(bytes), MaxEntries: 1,
				Flags: unix.BPF_F_MMAPABLE,
			})
			if err == nil {
				m.Close()
			}
			known[bytes] = err == nil
		}
		return known[bytes]
	}
}

// placeInlineCounters gives the map value that holds all counters its size, and patches the two masks that follow
// from the layout into the instructions of the pair. It fails if the exit program has no instruction to patch: object
// and loader do not match then.
func placeInlineCounters(spec *ebpf.CollectionSpec, where layout) error {
	m := spec.Maps[inlineMap]
	m.Key, m.Value = nil, nil // they describe one counter
	m.ValueSize = uint32(where.counters() * counterSize)
	m.Contents = nil
	delete(spec.Variables, bpf.ProbeVarInlineCounters)
	masks := map[bpf.ProbePatchedImmediate]int{
		bpf.ProbePatchedImmediateLAST_COUNTER_OF_CPU: where.front - 1,
		bpf.ProbePatchedImmediateLAST_COUNTER:        where.counters() - 1,
	}
	for placeholder, mask := range masks {
		for _, p := range spec.Programs {
			patched := patch(p.Instructions, int64(placeholder), int64(mask))
			if isExit := p.AttachType == ebpf.AttachTraceFExit; isExit != (patched > 0) {
				return fmt.Errorf("probe object: %d instructions of %s hold %v",
					patched, p.Name, placeholder)
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
