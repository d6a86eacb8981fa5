package cli

import (
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// benchProgress shows where a bench is, and each cell as soon as it is finished.
type benchProgress struct {
	*progress
	dir *bench.Dir
}

func newBenchProgress(std streams, d *bench.Dir) *benchProgress {
	return &benchProgress{newProgress(std), d}
}

func (p *benchProgress) report(now bench.Progress) {
	doing := now.Doing
	if p.terminal {
		if worst := p.worst(); worst != "" {
			doing += "; " + worst
		}
	}
	p.show(now.Done, now.Remaining, doing)
	if len(now.FinishedTests) == 0 {
		return
	}
	explained, err := p.dir.Explained()
	if err != nil {
		explained = nil
	}
	plan := &p.dir.Info.Plan
	baseline := plan.Scenarios[plan.Baseline()].Name
	for _, c := range p.dir.Analyze(explained).Cells {
		if slices.Contains(now.FinishedTests, c.Test) && c.Scenario != baseline {
			p.print(fmt.Sprintf("%s under %s: loss %s\n", c.Test, c.Scenario, lossText(&c)))
		}
	}
}

// worst is the greatest loss as far as one knows yet.
func (p *benchProgress) worst() string {
	var worst *rundir.Cell
	cells := p.dir.Analyze(nil).Cells
	for i := range cells {
		if c := &cells[i]; c.P < 1 && !p.dir.Info.Plan.IsBaseline(c.Scenario) && (worst == nil || c.Loss > worst.Loss) {
			worst = c
		}
	}
	if worst == nil {
		return ""
	}
	return fmt.Sprintf("worst so far: %s under %s %s", worst.Test, worst.Scenario, lossText(worst))
}

// lossText formats a loss with its interval. A leading ~ marks one that may be noise.
func lossText(c *rundir.Cell) string {
	s := text.PercentInterval(c.Loss, c.CI.Low, c.CI.High)
	if !c.Significant {
		return "~ " + s
	}
	return s
}
