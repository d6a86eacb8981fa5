package tracer

import (
	"fmt"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// target is what one pair of probes sits on.
type target struct {
	program Program // of ScopeHook: the first of the hook
	scope   profile.Scope
}

func (t target) String() string {
	if t.scope == profile.ScopeHook {
		return lsm.HookPrefix + t.program.Hook
	}
	return t.program.Name
}

// walks is the program as the rules are asked about it: without an id where those of a hook are not told apart.
func (t target) walks() Program {
	if t.scope == profile.ScopeHook {
		return Program{Hook: t.program.Hook}
	}
	return t.program
}

// variant is what fits a target: a pair of programs of bpf/probe.bpf.c, or of bpf/trace.bpf.c, and the one that takes stacks.
type variant struct {
	enter, exit string
	quick       bool // the pair has all cells in one map value
	pair        profile.ProbeKind

	traceEnter, traceExit, stack string
}

// variant is the one for any mode.
func (t target) variant() (variant, error) {
	switch {
	case t.scope == profile.ScopeProgram && t.program.Sleepable:
		return variant{
			bpf.ProbeProgProbeEnterSleepable, bpf.ProbeProgProbeExitSleepable, false, profile.ProbeSleepable,
			bpf.TraceProgTraceEnterSleepable, bpf.TraceProgTraceExitSleepable, bpf.TraceProgStackSample,
		}, nil
	case t.scope == profile.ScopeProgram:
		return variant{
			bpf.ProbeProgProbeEnter, bpf.ProbeProgProbeExit, false, profile.ProbeSelective,
			bpf.TraceProgTraceEnter, bpf.TraceProgTraceExit, bpf.TraceProgStackSample,
		}, nil
	case t.program.Sleepable:
		// A start cannot be kept with the task: task storage for tracing programs came with 5.11.
		return variant{}, fmt.Errorf("sleepable programs need Linux 5.18: %w", ErrUnsupported)
	}
	return variant{
		bpf.ProbeProgProbeEnterLegacy, bpf.ProbeProgProbeExitLegacy, false, profile.ProbeEvery,
		bpf.TraceProgTraceEnterLegacy, bpf.TraceProgTraceExitLegacy, bpf.TraceProgStackSampleLegacy,
	}, nil
}
