package profile

import (
	"fmt"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Calls returns the true number of calls of the program while it was probed.
func (p Program) Calls() uint64 { return p.Timed + p.Preempted + p.Missed }

// Completeness returns the percentage of calls that have a time; 100 if there were no calls.
func (p Program) Completeness() float64 {
	if p.Calls() == 0 {
		return 100
	}
	return 100 * float64(p.Timed) / float64(p.Calls())
}

// onFunction reports whether the probes are on a function of the kernel. Reaching it is no part of its cost.
func (p Program) onFunction() bool { return p.Scope == ScopeFunction }

// Label returns the program's name or, with ScopeHook, that of its hook: lsm/file_open.
func (p Program) Label() string {
	if p.Probe == ProbeHook {
		return "lsm/" + p.Hook + " (" + p.Name + ")"
	}
	if p.Scope == ScopeHook {
		return "lsm/" + p.Hook
	}
	return p.Name
}

func (p Program) completeness() string {
	return fmt.Sprintf("%.2f %% of %s calls timed, %s preempted, %s missed",
		p.Completeness(), text.Thousands(p.Calls()), text.Thousands(p.Preempted), text.Thousands(p.Missed))
}

// Total returns the sum of all programs.
func (s Snapshot) Total() Program {
	var t Program
	for _, p := range s.Programs {
		t.Timed += p.Timed
		t.Preempted += p.Preempted
		t.Missed += p.Missed
	}
	return t
}

// ProbeCost returns what the probes themselves cost the profiled system, in ns. It is an upper bound if calls were
// sampled or filtered: skipped calls cost less.
func (s Snapshot) ProbeCost() float64 {
	t := s.Total()
	cost := s.Calibration.ProbeCost.Value * float64(t.Timed+t.Preempted)
	for _, p := range s.Programs {
		cost += (s.Calibration.probeCost(p) - s.Calibration.ProbeCost.Value) * float64(p.Timed+p.Preempted)
	}
	return cost
}
