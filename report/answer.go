package report

import (
	"fmt"
	"math"

	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/internal/text"
)

// answer returns what the figures say, in sentences. A run without an enforcer shows nothing but noise.
func (r *Report) answer() []string {
	if r.How.Enforcer != "none" {
		return r.summary()
	}
	var cells []*Cell
	labels := map[string]string{}
	for i := range r.Tests {
		labels[r.Tests[i].Name] = r.Tests[i].Label
		for j := range r.Tests[i].Cells {
			if c := &r.Tests[i].Cells[j]; !c.Baseline {
				cells = append(cells, c)
			}
		}
	}
	if len(cells) == 0 {
		return []string{"Nothing was compared: the run has no complete round of a scenario and the baseline."}
	}
	out := []string{}
	worst := largestLoss(cells)
	if worst == nil {
		out = append(out, r.nothingLost(cells))
	} else {
		out = append(out, worstSentence(worst, labels))
	}
	out = append(out, r.noiseSentences(cells)...)
	if r.How.Machine.Emulated {
		out = append(out, emulatedSentence)
	}
	return out
}

// largestLoss returns the largest significant loss, or nil.
func largestLoss(cells []*Cell) *Cell {
	var worst *Cell
	for _, c := range cells {
		if c.Significant && c.Loss > 0 && (worst == nil || c.Loss > worst.Loss) {
			worst = c
		}
	}
	return worst
}

func (r *Report) nothingLost(cells []*Cell) string {
	low, high := math.Inf(1), 0.0
	for _, c := range cells {
		if c.CI.known() {
			low, high = min(low, c.Detectable), max(high, c.Detectable)
		}
	}
	switch {
	case math.IsInf(low, 1):
		return "No loss can be told from noise: each cell has one round."
	case low > mostDetectable:
		return "No loss can be told from noise: " + r.whyNone() + "."
	case high > mostDetectable:
		return fmt.Sprintf("No test shows a loss that this run can tell from noise. The smallest loss that "+
			"would have shown is %s %% in the "+
			"quietest test; the noisiest would have shown none.", percent(low))
	}
	return fmt.Sprintf("No test shows a loss that this run can tell from noise. The smallest loss that would "+
		"have shown is %s %% to %s %%, "+
		"depending on the test.", percent(low), percent(high))
}

// whyNone says why the run cannot show a loss of any size, and what to do.
func (r *Report) whyNone() string {
	cells, rounds := 0, 0
	for i := range r.Tests {
		for _, c := range r.Tests[i].Cells {
			if !c.Baseline {
				cells, rounds = cells+1, max(rounds, c.Rounds)
			}
		}
	}
	if need := stats.RoundsForSignificance(cells); rounds > 0 && rounds < need {
		return fmt.Sprintf("a cell has %s, and among %s it takes %d. Measure more runs",
			text.Plural(rounds, "round"), text.Plural(cells, "cell"), need)
	}
	return "this machine is too noisy for any. Quieten it and measure again"
}

func worstSentence(c *Cell, labels map[string]string) string {
	s := fmt.Sprintf("%s loses %s %% (95 %% interval %s to %s) under %s, the largest significant loss",
		labels[c.Test], percent(c.Loss),
		percent(c.CI.Low), percent(c.CI.High), c.Scenario)
	switch {
	case c.Explained == nil:
		return s + "; without a profile run its cause is unknown."
	case !*c.Exposed:
		return s + ", although no program of the enforcer runs in it: its hooks are not the cause."
	}
	s += fmt.Sprintf("; the hooks explain %s points of it", percent(*c.Explained))
	if len(c.Hooks) > 1 {
		s += fmt.Sprintf(", %s alone %s", c.Hooks[0].Hook, percent(c.Hooks[0].Loss))
	} else if len(c.Hooks) == 1 {
		s += ", all of it in " + c.Hooks[0].Hook
	}
	if c.CI.contains(*c.Explained) {
		return s + "."
	}
	return s + fmt.Sprintf(", and %s points are left over.", percent(*c.LeftOver))
}

// noiseSentences are about tests without a significant loss under any scenario, and tests in which the enforcer never
// runs.
func (r *Report) noiseSentences(cells []*Cell) []string {
	var quiet, controls []string
	control := 0.0
	for i := range r.Tests {
		t := &r.Tests[i]
		significant, largest, explained, n := false, 0.0, 0.0, 0
		for _, c := range cells {
			if c.Test != t.Name || c.absurd() {
				continue
			}
			n++
			significant = significant || c.Significant
			if math.Abs(c.Loss) > math.Abs(largest) {
				largest = c.Loss
			}
			if c.Explained != nil {
				explained = max(explained, *c.Explained)
			}
		}
		switch {
		case n == 0:
		case t.Exposed != nil && !*t.Exposed:
			controls = append(controls, t.Label)
			control = max(control, math.Abs(largest))
		case significant:
		case t.Exposed != nil:
			quiet = append(quiet, fmt.Sprintf("%s (%s %%, of which the hooks explain %s)", t.Label,
				percent(largest), percent(explained)))
		default:
			quiet = append(quiet, fmt.Sprintf("%s (%s %%)", t.Label, percent(largest)))
		}
	}
	var out []string
	if len(quiet) > 0 {
		out = append(out, fmt.Sprintf("Not significant under any scenario, with the largest measured loss: %s.",
			text.List(quiet)))
	}
	if len(controls) > 0 {
		out = append(out, fmt.Sprintf("No program of the enforcer runs in %s. Their apparent losses and "+
			"gains, up to %s %%, "+
			"show how far off this measurement can be.", text.List(controls), percent(control)))
	}
	return out
}
