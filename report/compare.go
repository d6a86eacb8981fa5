package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// Comparison is what changed from one run to another. A Report that has one is about the newer run.
type Comparison struct {
	Old     How      `json:"old"`
	Differs []string `json:"differs"` // why the runs should not be compared; empty: nothing
	Deltas  []Delta  `json:"deltas"`
	Left    []string `json:"left_out"` // tests and scenarios that only one of the runs has
}

// Delta is a cell of both runs. The loss of each is against its own baseline, so that a faster machine alone changes nothing.
type Delta struct {
	Test     string         `json:"test"`
	Label    string         `json:"label"`
	Scenario string         `json:"scenario"`
	Old      float64        `json:"old_loss"`
	OldCI    stats.Interval `json:"old_ci"`
	New      float64        `json:"new_loss"`
	NewCI    stats.Interval `json:"new_ci"`
	Delta    float64        `json:"delta"` // new - old; above 0: it got worse
	CI       stats.Interval `json:"ci"`
	P        float64        `json:"p"`
	Adjusted float64        `json:"p_holm"`
	// Significant: p_holm is below 0.05 and the interval does not contain 0.
	Significant bool    `json:"significant"`
	Score       float64 `json:"score_ratio"` // new score / old score
	Explained   float64 `json:"explained_delta"`
}

// Compare reports on a run, and on what changed since an older one.
func Compare(older, newer *rundir.Run) *Report {
	r, old := New(newer), New(older)
	c := &Comparison{Old: old.How, Differs: differences(&older.Info, &newer.Info), Deltas: []Delta{}, Left: []string{}}
	var ps []float64
	for i := range r.Tests {
		t := &r.Tests[i]
		was := old.test(t.Name)
		switch {
		case was == nil:
			c.Left = append(c.Left, t.Name+" (only in the new run)")
			continue
		case was.Unit != t.Unit || was.Kind != t.Kind:
			c.Left = append(c.Left, t.Name+" (another test in the old run)")
			continue
		}
		before, after := lossesByScenario(older, t.Name), lossesByScenario(newer, t.Name)
		for j := range t.Cells {
			now := &t.Cells[j]
			then := was.cell(now.Scenario)
			if now.Baseline || then == nil || then.Baseline {
				continue
			}
			d := Delta{
				Test: t.Name, Label: t.Label, Scenario: now.Scenario, Old: then.Loss, OldCI: then.CI, New: now.Loss, NewCI: now.CI,
				Delta: now.Loss - then.Loss, Score: now.Score / then.Score,
			}
			d.CI = differenceInterval(then, now)
			d.P = stats.MannWhitney(after[now.Scenario], before[now.Scenario])
			if math.IsNaN(d.P) {
				d.P = 1
			}
			if now.Explained != nil && then.Explained != nil {
				d.Explained = *now.Explained - *then.Explained
			}
			c.Deltas, ps = append(c.Deltas, d), append(ps, d.P)
		}
	}
	for i, p := range stats.Holm(ps) {
		d := &c.Deltas[i]
		d.Adjusted = p
		d.Significant = p < stats.Significant && known(d.CI) && !d.CI.Contains(0)
	}
	c.Left = append(c.Left, onlyIn(old, r, "old")...)
	c.Left = append(c.Left, onlyIn(r, old, "new")...)
	r.Title = "What changed: what " + strings.TrimPrefix(r.Title, "What ")
	r.Compared = c
	r.Answer = c.answer()
	for _, w := range old.Warnings {
		r.Warnings = append(r.Warnings, "old run: "+w)
	}
	return r
}

func (r *Report) test(name string) *Test {
	for i := range r.Tests {
		if r.Tests[i].Name == name {
			return &r.Tests[i]
		}
	}
	return nil
}

func lossesByScenario(run *rundir.Run, test string) map[string][]float64 {
	plan, out := &run.Info.Plan, map[string][]float64{}
	for i, losses := range rundir.Losses(plan, run.Results, test) {
		out[plan.Scenarios[i].Name] = losses
	}
	return out
}

// differenceInterval is that of the difference of two independent estimates, from theirs (Zou and Donner's MOVER): it needs no
// symmetry.
func differenceInterval(then, now *Cell) stats.Interval {
	if !known(then.CI) || !known(now.CI) {
		return stats.Interval{Low: -1, High: 1}
	}
	d := now.Loss - then.Loss
	return stats.Interval{
		Low:  d - math.Hypot(now.Loss-now.CI.Low, then.CI.High-then.Loss),
		High: d + math.Hypot(now.CI.High-now.Loss, then.Loss-then.CI.Low),
	}
}

// onlyIn are the scenarios of a that b does not have.
func onlyIn(a, b *Report, which string) []string {
	var out []string
	for _, s := range a.Scenarios {
		if !slices.ContainsFunc(b.Scenarios, func(o Scenario) bool { return o.Name == s.Name }) {
			out = append(out, fmt.Sprintf("%s (only in the %s run)", s.Name, which))
		}
	}
	if which == "old" {
		for _, t := range a.Tests {
			if b.test(t.Name) == nil {
				out = append(out, t.Name+" (only in the old run)")
			}
		}
	}
	return out
}

// differences are why a difference between two runs may not be the enforcer's.
func differences(older, newer *rundir.Info) []string {
	out := []string{}
	for _, f := range []struct {
		what     string
		old, new any
	}{
		{"CPU", older.Machine.CPU, newer.Machine.CPU},
		{"number of CPUs", older.Machine.CPUs, newer.Machine.CPUs},
		{"architecture", older.Machine.Arch, newer.Machine.Arch},
		{"kernel", older.Machine.Kernel, newer.Machine.Kernel},
		{"preemption", older.Machine.Preemption, newer.Machine.Preemption},
		{"mitigations", strings.Join(older.Machine.Mitigations, ","), strings.Join(newer.Machine.Mitigations, ",")},
		{"emulation", older.Machine.Emulated, newer.Machine.Emulated},
		{"suite", older.Suite, newer.Suite},
		{"order", older.Plan.Order, newer.Plan.Order},
		{"length of a slice", older.Plan.Slice, newer.Plan.Slice},
		{"warm-up of a slice", older.Plan.Warmup, newer.Plan.Warmup},
		{"length of a pass", older.Plan.Pass, newer.Plan.Pass},
		{"baseline", older.Plan.Scenarios[0].Name, newer.Plan.Scenarios[0].Name},
	} {
		if f.old != f.new {
			out = append(out, fmt.Sprintf("%s: %s, then %s", f.what, valueText(f.old), valueText(f.new)))
		}
	}
	return out
}

func valueText(v any) string {
	switch v := v.(type) {
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case time.Duration:
		return v.String()
	case string:
		return cmp.Or(v, "unknown")
	}
	return fmt.Sprint(v)
}

// Regressions are the significant ones above a limit, the largest first.
func (c *Comparison) Regressions(limit float64) []Delta {
	var out []Delta
	for _, d := range c.Deltas {
		if d.Significant && d.Delta > limit {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b Delta) int { return cmp.Compare(b.Delta, a.Delta) })
	return out
}

func (c *Comparison) answer() []string {
	out := []string{}
	if len(c.Differs) > 0 {
		out = append(out, "These runs differ in more than the enforcer, and were compared because it was forced: "+strings.Join(c.Differs, "; ")+".")
	}
	if len(c.Deltas) == 0 {
		return append(out, "The runs have no test and scenario in common that was scored.")
	}
	worse, better := c.Regressions(0), 0
	for _, d := range c.Deltas {
		if d.Significant && d.Delta < 0 {
			better++
		}
	}
	if len(worse) == 0 {
		out = append(out, fmt.Sprintf("None of %s lost significantly more than before.", plural(len(c.Deltas), "cell")))
	} else {
		d := worse[0]
		out = append(out, fmt.Sprintf("%s under %s loses %s points more than before (95 %% CI %s): %s %% then, %s %% now; the hooks explain %s points of the difference.",
			d.Label, d.Scenario, percent(d.Delta), interval(d.CI), percent(d.Old), percent(d.New), percent(d.Explained)))
		if len(worse) > 1 {
			out = append(out, fmt.Sprintf("%d of %s got significantly worse in all.", len(worse), plural(len(c.Deltas), "cell")))
		}
	}
	if better > 0 {
		out = append(out, fmt.Sprintf("%s got significantly better.", plural(better, "cell")))
	}
	return out
}
