package rundir

import (
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/internal/stats"
)

const (
	// Confidence is that of all intervals.
	Confidence = 0.95
	// aim is the loss for which Cell.RoundsFor is computed.
	aim = 0.005
)

// AnalysisSchema is the version of analysis.json.
const AnalysisSchema = "lsmprof/bench/v1"

// Analysis is what the results of a run say. It is written as analysis.json.
type Analysis struct {
	Schema   string     `json:"schema"`
	Cells    []Cell     `json:"cells"`
	Noise    []Noise    `json:"noise"`
	Index    []Index    `json:"index"` // UnixBench's
	PerRule  []RuleCost `json:"cost_per_rule"`
	Repeated []Repeat   `json:"repeated_rounds"`
	Warnings []string   `json:"warnings"`
}

// Cell compares a test under a scenario with the baseline. Losses are fractions: 0.02 is 2 %.
type Cell struct {
	Test     string         `json:"test"`
	Scenario string         `json:"scenario"`
	Rounds   int            `json:"rounds"`
	Score    float64        `json:"score"` // mean over the rounds
	Unit     string         `json:"unit"`
	CV       float64        `json:"cv"`            // coefficient of variation of the score over the rounds
	Loss     float64        `json:"loss"`          // median over rounds of the loss within a round
	MeanLoss float64        `json:"loss_of_means"` // as UnixBench computes it
	CI       stats.Interval `json:"ci"`
	P        float64        `json:"p"`
	Adjusted float64        `json:"p_holm"`
	// Significant: Adjusted is below 0.05, and the loss is outside the interval of the second baseline.
	Significant bool    `json:"significant"`
	Detectable  float64 `json:"detectable"`    // the smallest loss that these rounds show in four of five benches
	RoundsFor   int     `json:"rounds_for_05"` // rounds to detect 0.5 %
	Busy        int     `json:"busy_rounds"`   // during which other processes kept CPUs busy

	Exposed   *bool      `json:"exposed"` // null: not profiled
	Explained *float64   `json:"explained"`
	LeftOver  *float64   `json:"left_over"` // Loss - Explained
	Profile   *Explained `json:"profile,omitempty"`

	losses []float64 // of the rounds
}

// Absurd reports whether a result is beyond what any enforcer does to a test: a score more than doubled, or an interval
// wider than the whole score.
func Absurd(loss, low, high float64, rounds int) bool {
	return loss < -1 || rounds > 1 && high-low > 1
}

// Noise is the apparent loss of the second baseline of a test.
type Noise struct {
	Test string         `json:"test"`
	Loss float64        `json:"loss"`
	CI   stats.Interval `json:"ci"`
}

// Repeat is a round whose earlier attempts were discarded, with their reasons.
type Repeat struct {
	Tests   []string `json:"tests"`
	Round   int      `json:"round"`
	Reasons []string `json:"reasons"`
}

// repeated returns the repeated rounds in the order of the results.
func repeated(results []Result) []Repeat {
	out := []Repeat{}
	for _, r := range results {
		if len(r.Discarded) == 0 {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Round == r.Round && slices.Equal(out[n-1].Reasons, r.Discarded) {
			if last := &out[n-1]; !slices.Contains(last.Tests, r.Test) {
				last.Tests = append(last.Tests, r.Test)
			}
			continue
		}
		out = append(out, Repeat{[]string{r.Test}, r.Round, r.Discarded})
	}
	return out
}

// Analyze returns what complete results say, given what the profile runs explain, by test and scenario.
func Analyze(p *Plan, results []Result, explained map[string]map[string]Explained) Analysis {
	a := Analysis{Schema: AnalysisSchema, Cells: []Cell{}, Noise: []Noise{}, Warnings: []string{}}
	for _, t := range p.Tests {
		losses := Losses(p, results, t.Name)
		if len(losses[p.Baseline()]) == 0 && p.Order != Sequential {
			continue
		}
		byScenario := map[string][]Result{}
		for _, r := range results {
			if r.Test == t.Name {
				byScenario[r.Scenario] = append(byScenario[r.Scenario], r)
			}
		}
		base := byScenario[p.Scenarios[p.Baseline()].Name]
		if len(base) == 0 {
			continue
		}
		for i, s := range p.Scenarios {
			c := cellOf(p, t, s, byScenario[s.Name], base, losses[i])
			if e, ok := explained[t.Name][s.Name]; ok && i != p.Baseline() {
				e = e.beyond(explained[t.Name][p.Scenarios[p.Baseline()].Name])
				c.explain(e, stats.Mean(rates(base))/float64(max(1, t.Copies)))
			}
			if i == p.SecondBaseline() {
				a.Noise = append(a.Noise, Noise{t.Name, c.Loss, c.CI})
			}
			if len(byScenario[s.Name]) > 0 {
				a.Cells = append(a.Cells, c)
			}
		}
	}
	a.judge(p)
	a.Index = indexes(p, results)
	a.Repeated = repeated(results)
	a.PerRule = costPerRule(p, explained)
	a.warn(p, explained)
	return a
}

func cellOf(p *Plan, t Test, s Scenario, own, base []Result, losses []float64) Cell {
	c := Cell{Test: t.Name, Scenario: s.Name, Unit: t.Unit, Rounds: len(own), P: 1, Adjusted: 1}
	scores := make([]float64, len(own))
	for i := range own {
		scores[i] = t.Score(own[i].Rate())
		if own[i].Interference.Busy {
			c.Busy++
		}
	}
	c.Score = stats.Mean(scores)
	c.CV = stats.StdDev(scores) / c.Score
	if s.Name == p.Scenarios[p.Baseline()].Name || len(losses) == 0 {
		return c
	}
	c.MeanLoss = 1 - stats.Mean(rates(own))/stats.Mean(rates(base))
	c.Loss = stats.Median(losses)
	c.CI = stats.Bootstrap(losses, Confidence)
	if p.Order == Sequential {
		c.CI = withBaseline(c.Loss, c.CI, rates(base))
	}
	c.losses = losses
	if p.Order == Sequential {
		c.P = stats.MannWhitney(rates(own), rates(base))
	} else {
		c.P = stats.Wilcoxon(logLosses(losses))
	}
	if math.IsInf(c.CI.Low, 0) || math.IsNaN(c.CI.Low) { // one round: no interval, and none in JSON
		c.CI = stats.Interval{Low: -1, High: 1}
	}
	return c
}

// withBaseline widens the interval of a loss whose baseline was measured at another time by the uncertainty of that
// baseline.
func withBaseline(loss float64, ci stats.Interval, base []float64) stats.Interval {
	b, median := stats.Bootstrap(base, Confidence), stats.Median(base)
	return stats.Interval{
		Low:  loss - math.Hypot(loss-ci.Low, (1-loss)*(1-b.Low/median)),
		High: loss + math.Hypot(ci.High-loss, (1-loss)*(b.High/median-1)),
	}
}

func (c *Cell) explain(e Explained, baseline float64) {
	exposed, loss := e.Exposed(), e.Loss(baseline)
	left := c.Loss - loss
	c.Exposed, c.Explained, c.LeftOver, c.Profile = &exposed, &loss, &left, &e
}

// judge corrects for the number of cells, and decides which losses are significant.
func (a *Analysis) judge(p *Plan) {
	noise := map[string]stats.Interval{}
	for _, n := range a.Noise {
		noise[n.Test] = n.CI
	}
	var cells []*Cell
	var ps []float64
	for i := range a.Cells {
		if c := &a.Cells[i]; !p.IsBaseline(c.Scenario) {
			cells, ps = append(cells, c), append(ps, c.P)
		}
	}
	sensitivity := func(rounds int) float64 { return sensitivity(p, rounds, len(cells)) }
	for i := range a.Cells { // the second baseline's, too
		if c := &a.Cells[i]; len(c.losses) > 0 && c.Scenario != p.Scenarios[p.Baseline()].Name {
			c.Detectable = min(1, stats.Detectable(c.losses, sensitivity(len(c.losses))))
			c.RoundsFor = stats.RoundsFor(c.losses, aim, sensitivity)
		}
	}
	for i, adjusted := range stats.Holm(ps) {
		c := cells[i]
		c.Adjusted = adjusted
		floor, ok := noise[c.Test]
		c.Significant = adjusted < stats.Significant && !c.CI.Contains(0) && !(ok && floor.Contains(c.Loss) &&
			floor.Half() < 1)
	}
}
