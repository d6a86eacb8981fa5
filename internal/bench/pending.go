package bench

import "github.com/lsmprof/lsmprof/internal/rundir"

// todo says which rounds of a batch are still to do.
type pendingRounds struct {
	rounds int            // of each test, at least
	done   []map[int]bool // by test
	// wanted says whether a test needs more than that in a round.
	wanted func(test, round int) bool
}

func (b *Bench) pendingRounds(batch []rundir.Test, progress *progress) *pendingRounds {
	plan := &b.Dir.Info.Plan
	t := &pendingRounds{rounds: plan.Rounds(batch[0])}
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
		t.done = append(t.done, done)
	}
	perRun := plan.Rounds(batch[0]) / plan.Runs
	more := map[int]bool{}
	t.wanted = func(test, round int) bool {
		if plan.UntilCI == 0 || plan.Order == rundir.Sequential || progress.over() {
			return false
		}
		// An interval takes some ten thousand draws: once a run is enough.
		if _, known := more[test]; !known || round%perRun == 0 {
			more[test] = b.wide(batch[test], plan.UntilCI)
		}
		return more[test]
	}
	return t
}

// active are the tests that a round is to be run for.
func (t *pendingRounds) active(round int) []int {
	var tests []int
	for i, done := range t.done {
		if !done[round] && (round < t.rounds || t.wanted(i, round)) {
			tests = append(tests, i)
		}
	}
	return tests
}

// last is behind every round that is planned or done.
func (t *pendingRounds) last() int {
	last := t.rounds
	for _, done := range t.done {
		for round := range done {
			last = max(last, round+1)
		}
	}
	return last
}

func (t *pendingRounds) any() bool {
	for n := range t.last() + 1 {
		if len(t.active(n)) > 0 {
			return true
		}
	}
	return false
}

// finished is how many of the planned rounds need not be run any more.
func (t *pendingRounds) finished() int {
	n := 0
	for round := range t.rounds {
		if len(t.active(round)) == 0 {
			n++
		}
	}
	return n
}
