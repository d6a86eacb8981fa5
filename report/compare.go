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
	"github.com/lsmprof/lsmprof/internal/text"
)

// Compare returns a report about the run of r and about what changed since an older run. Neither report is modified. If
// the runs differ in more than the enforcer, for example in the kernel, the new report's Comparison.Differs says so.
func (r *Report) Compare(older *Report) *Report {
	if r.run == nil || older == nil || older.run == nil {
		return &Report{Schema: Schema, Comparison: &Comparison{}}
	}
	n := newReport(r.run)
	n.oldRun = older.run
	c := &Comparison{
		Old: older.How, Differs: differences(&older.run.Info, &r.run.Info), Deltas: []Delta{},
		LeftOut: []string{},
		same:    older.How.Start.Equal(r.How.Start) && !r.How.Start.IsZero() && older.How.Seed == r.How.Seed,
	}
	c.compare(older, n)
	c.LeftOut = append(c.LeftOut, onlyIn(older, n, "old")...)
	c.LeftOut = append(c.LeftOut, onlyIn(n, older, "new")...)
	n.Title = "What changed: what " + strings.TrimPrefix(n.Title, "What ")
	n.Comparison = c
	n.Answer = append(c.answer(), fmt.Sprintf("Old: %s. New: %s.", older.name(), n.name()))
	for _, w := range older.Warnings {
		n.Warnings = append(n.Warnings, "old run: "+w)
	}
	return n
}

// name identifies a run: what it measured, when and where.
func (r *Report) name() string {
	parts := []string{text.List(subjects(r.run))}
	if !r.How.Start.IsZero() {
		parts = append(parts, r.How.Start.UTC().Format("2 January 2006 15:04 UTC"))
	}
	for _, s := range []string{r.How.Machine.Host, r.How.Machine.Kernel} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	parts = append(parts, "lsmprof "+cmp.Or(r.How.Version, "of an unknown version"))
	return strings.Join(parts, ", ")
}

// compare fills in the deltas of the cells that both reports have.
func (c *Comparison) compare(older, newer *Report) {
	var ps []float64
	var spreadFrom int // second baselines
	c.Spread, spreadFrom = runSpread(older, newer)
	if spreadFrom == 0 {
		newer.warn("the runs have no second baselines: by how much two runs differ without any cause is " +
			"unknown, and not part of the intervals")
	}
	for i := range newer.Tests {
		t := &newer.Tests[i]
		was := older.test(t.Name)
		switch {
		case was == nil:
			c.LeftOut = append(c.LeftOut, t.Name+" (only in the new run)")
			continue
		case was.Unit != t.Unit || was.Kind != t.Kind:
			c.LeftOut = append(c.LeftOut, t.Name+" (another test in the old run)")
			continue
		}
		for j := range t.Cells {
			now := &t.Cells[j]
			then := was.cell(now.Scenario)
			if now.Baseline || then == nil || then.Baseline {
				continue
			}
			d := Delta{
				Test: t.Name, Label: t.Label, Scenario: now.Scenario, Old: then.Loss, OldCI: then.CI,
				New: now.Loss, NewCI: now.CI,
				Delta: now.Loss - then.Loss, Score: now.Score / then.Score,
			}
			d.CI, d.P = difference(then, now, c.Spread, spreadFrom)
			if now.Explained != nil && then.Explained != nil {
				d.Explained = *now.Explained - *then.Explained
			}
			c.Deltas, ps = append(c.Deltas, d), append(ps, d.P)
		}
	}
	for i, p := range stats.Holm(ps) {
		d := &c.Deltas[i]
		d.Adjusted = p
		d.Significant = p < stats.Significant && d.CI.known() && !d.CI.contains(0)
	}
}

// runSpread estimates the spread between runs from the apparent losses of their second baselines, and returns the
// number of these.
func runSpread(reports ...*Report) (spread float64, from int) {
	var losses, errs []float64
	for _, r := range reports {
		for _, n := range r.noise {
			if ci := Interval(n.CI); ci.known() && ci.half() > 0 {
				losses, errs = append(losses, n.Loss), append(errs, ci.half()/z95)
			}
		}
	}
	return stats.RunSpread(losses, errs), len(losses)
}

// z95 is the two-sided 95 % quantile of the normal distribution.
const z95 = 1.96

// difference returns the interval of the difference of two losses, from their own intervals by Zou and Donner's MOVER
// method, which does not assume that they are symmetric, and its p value. A loss is the difference of two measurements.
// Each differs from run to run by the spread, which was estimated from spreadFrom second baselines.
func difference(then, now *Cell, spread float64, spreadFrom int) (Interval, float64) {
	if !then.CI.known() || !now.CI.known() {
		return Interval{Low: -1, High: 1}, 1
	}
	d := now.Loss - then.Loss
	side := func(ofNow, ofThen float64) (p, half float64) {
		terms := []stats.Term{
			{Variance: ofNow * ofNow / (z95 * z95), Freedom: certainty(now)},
			{Variance: ofThen * ofThen / (z95 * z95), Freedom: certainty(then)},
		}
		if spread > 0 {
			terms = append(terms, stats.Term{Variance: 4 * spread * spread, Freedom: float64(spreadFrom)})
		}
		return stats.StudentT(d, terms...)
	}
	pLow, low := side(now.Loss-now.CI.Low, then.CI.High-then.Loss)
	pHigh, high := side(now.CI.High-now.Loss, then.Loss-then.CI.Low)
	if d < 0 {
		pLow = pHigh
	}
	return Interval{Low: d - low, High: d + high}, pLow
}

// certainty returns the degrees of freedom of the variance of a cell's loss, which comes from an interval of the
// median. The interval reaches over some two square roots of the rounds, so only that many of them say how wide it is:
// for 4 to 200 rounds of normal noise, twice the squared mean of the variance by its own variance is 1.2 to 1.45 times
// the root.
func certainty(c *Cell) float64 { return 1.4 * math.Sqrt(float64(c.Rounds)) }

// onlyIn names the scenarios of a that b lacks and, if a is the old run, such tests.
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

// differences returns the reasons why a difference between two runs may not be caused by the enforcer.
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
		{"mitigations", strings.Join(older.Machine.Mitigations, ","), strings.Join(newer.Machine.Mitigations,
			",")},
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

func (c *Comparison) regressions(limit float64) []Delta {
	var out []Delta
	for _, d := range c.Deltas {
		if d.Significant && d.Delta > limit {
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b Delta) int { return cmp.Compare(b.Delta, a.Delta) })
	return out
}

// differing returns the deltas that are significant.
func (c *Comparison) differing() []Delta {
	return slices.DeleteFunc(slices.Clone(c.Deltas), func(d Delta) bool { return !d.Significant })
}

func (c *Comparison) answer() []string {
	out := []string{}
	if c.same {
		out = append(out, "Both are the same run.")
	}
	if len(c.Differs) > 0 {
		out = append(out, "These runs differ in more than the enforcer: "+strings.Join(c.Differs, "; ")+".")
	}
	if len(c.Deltas) == 0 {
		return append(out, "The runs have no scored test and scenario in common.")
	}
	worse, better := c.regressions(0), 0
	for _, d := range c.Deltas {
		if d.Significant && d.Delta < 0 {
			better++
		}
	}
	if len(worse) == 0 {
		out = append(out, "No regression; "+c.wouldHaveShown())
	} else {
		d := worse[0]
		out = append(out, fmt.Sprintf("%s under %s loses %s points more than before (95 %% interval %s to "+
			"%s): %s %% then, %s %% now. "+
			"The hooks explain %s points of the difference.", d.Label, d.Scenario, percent(d.Delta),
			percent(d.CI.Low), percent(d.CI.High),
			percent(d.Old), percent(d.New), percent(d.Explained)))
		if len(worse) > 1 {
			out = append(out, fmt.Sprintf("%d of %s got significantly worse in all.", len(worse),
				text.Plural(len(c.Deltas), "cell")))
		}
	}
	if better > 0 {
		out = append(out, fmt.Sprintf("%s got significantly better.", text.Plural(better, "cell")))
	}
	return out
}

// wouldHaveShown says how large a regression must be to show in the most and in the least precise cell.
func (c *Comparison) wouldHaveShown() string {
	var least, most *Delta
	for i := range c.Deltas {
		d := &c.Deltas[i]
		if !d.CI.known() {
			continue
		}
		if least == nil || d.detectable() < least.detectable() {
			least = d
		}
		if most == nil || d.detectable() > most.detectable() {
			most = d
		}
	}
	switch {
	case least == nil || least.detectable() > mostDetectable:
		return "these runs cannot tell any from noise."
	case most.detectable() > mostDetectable:
		return fmt.Sprintf("%s points (%s) would have shown, none in %s.", percent(least.detectable()),
			least.Test, most.Test)
	case least.Test == most.Test:
		return fmt.Sprintf("%s points (%s) would have shown.", percent(most.detectable()), most.Test)
	}
	return fmt.Sprintf("%s points (%s) would have shown, and %s (%s).", percent(most.detectable()), most.Test,
		percent(least.detectable()), least.Test)
}

// detectable returns the change that shows in four of five comparisons, in points of the baseline, before the
// correction for the number of cells.
func (d *Delta) detectable() float64 { return d.CI.half() * (z95 + 0.84) / z95 }
