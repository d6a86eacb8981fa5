package bench

import (
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Left is what a run directory still lacks of a test.
type Left struct {
	Test    rundir.Test
	Rounds  int  // of the planned ones; an interval that is still too wide may need more
	Profile bool // a profile run
}

// Left returns what a bench would still measure, and about how long it would take. profiled says whether it makes
// profile runs. Tests that are complete are left out.
func (d *Dir) Left(profiled bool) (left []Left, duration time.Duration) {
	plan := &d.Info.Plan
	complete := map[string]int{}
	for _, r := range d.Results() {
		if r.Scenario == plan.Scenarios[plan.Baseline()].Name {
			complete[r.Test]++
		}
	}
	for _, batch := range plan.Batches() {
		rounds := 0 // of the test that lacks most: all tests of a batch share a round
		for _, t := range batch {
			l := Left{Test: t, Rounds: max(0, plan.Rounds(t)-complete[t.Name])}
			_, known := d.explained[t.Name]
			if l.Profile = profiled && !known; l.Profile {
				duration += plan.ProfileDuration(t)
			}
			if l.Rounds > 0 || l.Profile {
				left = append(left, l)
			}
			rounds = max(rounds, l.Rounds)
		}
		p := *plan
		p.Tests = batch
		duration += p.Duration() / time.Duration(plan.Rounds(batch[0])) * time.Duration(rounds)
	}
	return left, duration
}
