package rundir

import (
	"time"
)

// Duration estimates how long the score runs take, without the rounds that UntilCI adds.
func (p *Plan) Duration() time.Duration {
	var total time.Duration
	for _, batch := range p.Batches() {
		rounds := 0
		for _, t := range batch {
			each := p.Pass
			if t.Sliced() {
				each = (p.Slice + p.Warmup) * time.Duration(p.Slices(t))
			}
			total += each * time.Duration(len(p.Scenarios)*p.Rounds(t))
			total += p.LeadTime(t) * time.Duration(p.phases()*p.Rounds(t))
			rounds = max(rounds, p.Rounds(t))
		}
		total += time.Duration(rounds) * p.switching()
	}
	return total
}

// ProfileSlices is the number of slices, or passes, for which a cell is profiled.
const ProfileSlices = 4

// SyscallSlices returns the number of slices, or passes, in which the syscalls of a test are timed. One pass is long
// enough.
func SyscallSlices(t Test) int {
	if t.Sliced() {
		return 2
	}
	return 1
}

// ProfileDuration estimates how long the profile runs of a test take, with those that time its syscalls and, for as
// long again, sample the insides of programs.
func (p *Plan) ProfileDuration(t Test) time.Duration {
	// Attaching the probes takes the kernel this long, once for each kind of run.
	const attach = 900 * time.Millisecond
	each := p.Pass
	if t.Sliced() {
		each = p.Slice
	}
	var total time.Duration
	states := map[State]bool{}
	for _, s := range p.Scenarios {
		if s.State == Removed || s.SecondBaseline {
			continue
		}
		total += each * time.Duration(ProfileSlices+2*SyscallSlices(t))
		if !states[s.State] {
			states[s.State] = true
			total += attach
		}
	}
	return total
}

// phases is the number of phases of a round.
func (p *Plan) phases() int { return len(p.Round(0, 0).Phases) }

// switching estimates how long switching the enforcer off and on takes in a round.
func (p *Plan) switching() time.Duration {
	for _, s := range p.Scenarios {
		if s.State != p.Scenarios[0].State {
			return time.Second
		}
	}
	return 0
}
