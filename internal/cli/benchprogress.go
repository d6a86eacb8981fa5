package cli

import (
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/text"
)

// benchProgress shows how far a bench has come and, when a test is finished, its loss under each scenario.
type benchProgress struct {
	*terminal.Progress
	dir   *bench.Dir
	quiet bool
}

func (p benchProgress) report(now bench.Progress) {
	p.Show(now.Done, now.Remaining, text.Printable(now.Doing))
	if p.quiet || len(now.FinishedTests) == 0 {
		return
	}
	plan := &p.dir.Info.Plan
	baseline := plan.Scenarios[plan.Baseline()].Name
	for _, c := range p.dir.Analysis().Cells {
		if slices.Contains(now.FinishedTests, c.Test) && c.Scenario != baseline {
			p.Print(fmt.Sprintf("%s under %s: %s\n", text.Printable(c.Test),
				text.Printable(c.Scenario), lossText(&c)))
		}
	}
}

// lossText formats a loss with its interval. A leading ~ marks one that may be noise.
func lossText(c *rundir.Cell) string {
	if rundir.Absurd(c.Loss, c.CI.Low, c.CI.High, c.Rounds) {
		return "cannot tell a loss: the scores vary too much"
	}
	s := text.PercentInterval(c.Loss, c.CI.Low, c.CI.High)
	if !c.Significant {
		return "loss ~ " + s
	}
	return "loss " + s
}
