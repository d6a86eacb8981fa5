package bench

import "github.com/lsmprof/lsmprof/internal/rundir"

// pendingRounds are the rounds of a batch that are not measured yet.
type pendingRounds struct {
	rounds int            // planned for each test
	done   []map[int]bool // by test: complete rounds
	// wanted reports whether a test needs a round beyond the planned ones.
	wanted func(test, round int) bool
}

func (b *Bench) pendingRounds(batch []rundir.Test, progress *progress) *pendingRounds {
	plan := &b.Dir.Info.Plan
	p := &pendingRounds{rounds: plan.Rounds(batch[0])}
	lines := map[string]map[int]int{}
	for _, r := range b.Dir.Results() {
		if lines[r.Test] == nil {
			lines[r.Test] = map[int]int{}
		}
		lines[r.Test][r.Round]++
	}
	for _, test := range batch {
		done := map[int]bool{}
		for round, n := range lines[test.Name] {
			done[round] = n == len(plan.Scenarios)
		}
		p.done = append(p.done, done)
	}
	perRun := plan.Rounds(batch[0]) / plan.Runs
	more := map[int]bool{}
	p.wanted = func(test, round int) bool {
		if plan.UntilCI == 0 || plan.Order == rundir.Sequential || round >= rundir.MaxRuns*perRun ||
			progress.over() {
			return false
		}
		// An interval is expensive to compute, and one more round hardly changes it.
		if _, known := more[test]; !known || round%perRun == 0 {
			more[test] = b.wide(batch[test], plan.UntilCI)
		}
		return more[test]
	}
	return p
}

// active returns the tests that need a round.
func (p *pendingRounds) active(round int) []int {
	var tests []int
	for i, done := range p.done {
		if !done[round] && (round < p.rounds || p.wanted(i, round)) {
			tests = append(tests, i)
		}
	}
	return tests
}

// end returns one more than the number of the last round that is planned or complete.
func (p *pendingRounds) end() int {
	end := p.rounds
	for _, done := range p.done {
		for round := range done {
			end = max(end, round+1)
		}
	}
	return end
}

func (p *pendingRounds) any() bool {
	for n := range p.end() + 1 {
		if len(p.active(n)) > 0 {
			return true
		}
	}
	return false
}

// finished returns how many planned rounds are complete for all tests.
func (p *pendingRounds) finished() int {
	n := 0
	for round := range p.rounds {
		if len(p.active(round)) == 0 {
			n++
		}
	}
	return n
}
