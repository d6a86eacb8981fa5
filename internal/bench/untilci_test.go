package bench

import (
	"context"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func untilCI(t *testing.T, target float64, limit time.Duration) (*rundir.Plan, []rundir.Cell, *fakeSuite) {
	t.Helper()
	p := shortPlan()
	p.Runs, p.UntilCI, p.MaxTime = 1, target, limit
	d := newDir(t, p)
	t.Cleanup(func() { d.Close() })
	b, f := fakeBench(t, d)
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &d.Info.Plan, d.Analysis().Cells, f
}

// The scores of slices have a standard deviation of 1 %, so the loss of a round of five slices has one of about 0.6 %.
// The median of n rounds has one of 0.8 %/sqrt(n), and its 95 % interval is within ±0.2 % after 50 to 100 rounds. The
// random numbers are the same in every run.
func TestUntilCIStopsWhenIntervalsAreNarrow(t *testing.T) {
	vmtest.OnOneKernel(t)
	const target = 0.002
	p, cells, f := untilCI(t, target, 0)
	rounds := map[string]int{}
	for _, c := range cells {
		rounds[c.Test] = c.Rounds
		if c.Scenario != "not-installed" && c.CI.Half() > target {
			t.Errorf("%s under %s: ±%.3f %%", c.Test, c.Scenario, 100*c.CI.Half())
		}
	}
	for _, test := range p.Tests {
		n := rounds[test.Name]
		t.Logf("%s: %d rounds", test.Name, n)
		if n < 30 || n > 200 || n%rundir.RoundsPerRun != 0 {
			t.Errorf("%s has %d rounds", test.Name, n)
		}
	}
	if f.clock < time.Second {
		t.Errorf("ended after %s", f.clock)
	}
}

// If the interval never gets narrow enough, the bench ends with the round in which the time limit passes.
func TestMaxTimeEndsUntilCI(t *testing.T) {
	vmtest.OnOneKernel(t)
	const limit = 20 * time.Second
	p, cells, f := untilCI(t, 1e-6, limit)
	const phases = 3
	round := 2 * (time.Duration(len(p.Scenarios)*rundir.SlicesPerRound)*p.Slice + phases*p.LeadTime(p.Tests[0]))
	warmUp := time.Duration(2*len(p.Scenarios)) * p.Slice
	if want := int((limit-warmUp)/round) + 1; cells[0].Rounds != want {
		t.Errorf("%d rounds, want %d", cells[0].Rounds, want)
	}
	if f.clock < limit || f.clock > limit+round {
		t.Errorf("ended after %s", f.clock)
	}
}
