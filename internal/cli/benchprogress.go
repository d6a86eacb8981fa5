package cli

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// benchProgress shows where a bench is: one line that changes on a terminal, else a line for each finished cell.
type benchProgress struct {
	w        io.Writer
	dir      *bench.Dir
	terminal bool
}

func newBenchProgress(w io.Writer, d *bench.Dir) *benchProgress {
	return &benchProgress{w, d, isTerminal(w)}
}

func (p *benchProgress) report(now bench.Progress) {
	if p.terminal {
		line := fmt.Sprintf("%3.0f %%  %s", 100*now.Done, now.Doing)
		if now.Remaining > 0 {
			line += "  ETA " + now.Remaining.Round(time.Second).String()
		}
		if worst := p.worst(); worst != "" {
			line += "  " + worst
		}
		fmt.Fprint(p.w, clearLine+line)
	}
	if len(now.FinishedTests) == 0 {
		return
	}
	if p.terminal {
		fmt.Fprint(p.w, clearLine)
	}
	explained, err := p.dir.Explained()
	if err != nil {
		explained = nil
	}
	for _, c := range p.dir.Analyze(explained).Cells {
		if slices.Contains(now.FinishedTests, c.Test) && c.P < 1 {
			fmt.Fprintf(p.w, "%s under %s: loss %s\n", c.Test, c.Scenario, lossText(&c))
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
