package profile

// Calls is the true number of invocations of the program while it was probed.
func (p Program) Calls() uint64 { return p.Timed + p.Preempted + p.Missed }

// Completeness is the percentage of invocations that have a time; 100 where there was none.
func (p Program) Completeness() float64 {
	if p.Calls() == 0 {
		return 100
	}
	return 100 * float64(p.Timed) / float64(p.Calls())
}

// Total is all programs of the snapshot taken together.
func (s Snapshot) Total() Program {
	var t Program
	for _, p := range s.Programs {
		t.Timed += p.Timed
		t.Preempted += p.Preempted
		t.Missed += p.Missed
	}
	return t
}

// ProbeCost is what profiling itself cost the profiled system, ns: the probes ran for every invocation that was seen. Where only
// samples were measured it is an upper bound.
func (s Snapshot) ProbeCost() float64 {
	t := s.Total()
	return s.Calibration.ProbeCost.Value * float64(t.Timed+t.Preempted)
}
