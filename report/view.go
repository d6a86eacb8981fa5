package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
)

// view prepares a report for page.html, Markdown and text. Its exported methods are those that page.html calls.
type view struct {
	*Report
	heat    *heat
	classes map[string]string // of hooks, in the style sheet
}

func newView(r *Report) *view {
	return &view{Report: r, heat: r.heatOf(r.heaviest()), classes: r.classes()}
}

// Meta returns the line below the title.
func (v *view) Meta() string {
	m := &v.How.Machine
	var parts []string
	if m.Host != "" {
		parts = append(parts, m.Host)
	}
	if m.Kernel != "" {
		parts = append(parts, "Linux "+m.Kernel+" "+m.Arch, fmt.Sprintf("%d × %s", m.CPUs,
			cmp.Or(m.CPU, "unknown CPU")))
	}
	if m.Emulated {
		parts = append(parts, "emulated")
	}
	parts = append(parts, text.Plural(len(v.Tests), "test")+", "+text.Plural(len(v.Scenarios), "scenario"))
	if !v.How.Start.IsZero() {
		parts = append(parts, v.How.Start.UTC().Format("2 January 2006"))
	}
	return strings.Join(parts, " · ")
}

// Scored returns the tests that have cells.
func (v *view) Scored() []*Test {
	var out []*Test
	for i := range v.Tests {
		if len(v.Tests[i].Cells) > 0 {
			out = append(out, &v.Tests[i])
		}
	}
	return out
}

const groupPrograms, groupCalls = "Programs", "Single calls"

// testGroup is a group of tests under one heading.
type testGroup struct {
	Name, What string
	Tests      []*Test // that have cells
}

// Plotted returns the tests of the group that are drawn: all but those in which no program of the enforcer runs.
func (g testGroup) Plotted() []*Test {
	return slices.DeleteFunc(slices.Clone(g.Tests), func(t *Test) bool { return t.control() })
}

// Groups returns the groups that have tests, programs first.
func (v *view) Groups() []testGroup {
	var out []testGroup
	for _, g := range []testGroup{
		{Name: groupPrograms, What: "What programs do all day: the figures to go by."},
		{Name: groupCalls, What: "Loops that do nothing else. Their losses are the ceiling, not what a " +
			"workload loses."},
	} {
		for _, t := range v.Scored() {
			if (t.Group == GroupCall) == (g.Name == groupCalls) {
				g.Tests = append(g.Tests, t)
			}
		}
		if len(g.Tests) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// Profiled returns the tests that have a profile run and are not controls.
func (v *view) Profiled() []*Test {
	return slices.DeleteFunc(v.Scored(), func(t *Test) bool { return t.Exposed == nil || t.control() })
}

// control reports whether no program of the enforcer runs in the test.
func (t *Test) control() bool { return t.Exposed != nil && !*t.Exposed }

// Controls returns a sentence about the tests in which no program of the enforcer runs, or "".
func (v *view) Controls() string {
	var names []string
	low, high := 0.0, 0.0
	for _, t := range v.Scored() {
		if !t.control() {
			continue
		}
		names = append(names, t.Label)
		for i := range t.Cells {
			if c := &t.Cells[i]; !c.Baseline && !c.absurd() {
				low, high = min(low, c.Loss), max(high, c.Loss)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("Controls: %s. No program of the enforcer runs in them. Whatever they seem to lose, %s %% "+
		"to %s %%, "+
		"shows how far off this measurement can be.", text.List(names), fixed(low), fixed(high))
}

// nature says where a test comes from, and if it is a control.
func (t *Test) nature() string {
	switch {
	case t.Exposed == nil:
		return t.Kind + ", not profiled"
	case t.control():
		return t.Kind + ", control"
	}
	return t.Kind
}

// base returns the cell of the baseline, or nil.
func (t *Test) base() *Cell {
	for i := range t.Cells {
		if t.Cells[i].Baseline {
			return &t.Cells[i]
		}
	}
	return nil
}

// Under returns the cells of a row, without the baseline's. A scenario without one has nil.
func (v *view) Under(t *Test) []*Cell {
	var out []*Cell
	for _, s := range v.Scenarios {
		if !s.Baseline {
			out = append(out, t.cell(s.Name))
		}
	}
	return out
}

// indexRow is UnixBench's index of all scenarios for one number of copies.
type indexRow struct {
	Copies  int
	Partial bool
	Tests   int
	Values  []float64 // in the order of scenarios; 0: none
}

// Indexes returns the rows below the scores.
func (v *view) Indexes() []indexRow {
	var out []indexRow
	for _, base := range v.Index {
		if base.Scenario != v.Baseline {
			continue
		}
		row := indexRow{Copies: base.Copies, Partial: base.Partial, Tests: len(base.PerTest)}
		for _, s := range v.Scenarios {
			value := 0.0
			for _, x := range v.Index {
				if x.Scenario == s.Name && x.Copies == base.Copies {
					value = x.System
				}
			}
			row.Values = append(row.Values, value)
		}
		out = append(out, row)
	}
	return out
}

// indexText formats an index, or a dash if there is none.
func indexText(v float64) string {
	if v == 0 {
		return none
	}
	return fmt.Sprintf("%.1f", v)
}

// Rounds returns the scores of a cell, round by round.
func (v *view) Rounds(c *Cell) string {
	var b strings.Builder
	for i := range v.run.Results {
		if res := &v.run.Results[i]; res.Test == c.Test && res.Scenario == c.Scenario {
			if b.Len() > 0 {
				b.WriteString("  ")
			}
			b.WriteString(text.Number(res.Score))
		}
	}
	return b.String()
}

// FewRounds reports whether the run is small enough for a page that lists the score of every round.
func (v *view) FewRounds() bool { return v.run != nil && len(v.run.Results) <= 5000 }

// Plot draws the losses of a test on bars of what the hooks explain.
func (v *view) Plot(t *Test) template.HTML { return lossPlot(t, v.classes) }

type legendItem struct{ Class, Name string }

// Legend returns the legend of the explained losses: the class of each hook, which is a colour.
func (v *view) Legend() []legendItem {
	var out []legendItem
	others := 0
	for hook, class := range v.classes {
		if class == lastClass {
			others++
			continue
		}
		out = append(out, legendItem{class, hook})
	}
	slices.SortFunc(out, func(a, b legendItem) int { return cmp.Compare(a.Class, b.Class) })
	if others > 0 {
		out = append(out, legendItem{lastClass, text.Plural(others, "other hook")})
	}
	return out
}

// HeatScenario returns the scenario whose hooks are drawn and listed first.
func (v *view) HeatScenario() string { return v.heat.scenario }

// Heat draws the hook costs of that scenario. It returns nothing if no hook was measured.
func (v *view) Heat() template.HTML {
	if len(v.heat.hooks) == 0 {
		return ""
	}
	return heatPlot(v.heat)
}

// mostRows is how many rows of a table a page has. report.json and the CSV have all.
const mostRows = 400

// hookTable is a table of hooks, without the columns that would say the same in every row.
type hookTable struct {
	Others bool // of several scenarios
	Denied bool
	Rows   []HookRow
}

// HeatTable returns the hook rows of HeatScenario.
func (v *view) HeatTable() hookTable {
	return newHookTable(false, v.hookRows(func(s string) bool { return s == v.heat.scenario }))
}

// OtherTable returns the hook rows of the other scenarios.
func (v *view) OtherTable() hookTable {
	return newHookTable(true, v.hookRows(func(s string) bool { return s != v.heat.scenario }))
}

func newHookTable(others bool, rows []HookRow) hookTable {
	return hookTable{others, slices.ContainsFunc(rows, func(h HookRow) bool { return h.Denials > 0 }), rows}
}

// hookRows returns the rows of the wanted scenarios, the most expensive first.
func (v *view) hookRows(want func(scenario string) bool) []HookRow {
	var out []HookRow
	for _, h := range v.Hooks {
		if want(h.Scenario) && h.Calls > 1e-4 { // rarer calls belong to the tests' own bookkeeping
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b HookRow) int { return cmp.Compare(b.share(), a.share()) })
	return out[:min(len(out), mostRows)]
}

func (h *HookRow) share() float64 {
	if h.Share == nil {
		return 0
	}
	return *h.Share
}

// rulesText formats the number of rules in force.
func rulesText(n int) string {
	if n < 0 {
		return "unknown"
	}
	return fmt.Sprint(n)
}

// Steepest returns the steepest lines of cost per rule, nine at most: more would make the page long.
func (v *view) Steepest() []*PerRule {
	var out []*PerRule
	for i := range v.PerRule {
		out = append(out, &v.PerRule[i])
	}
	slices.SortStableFunc(out, func(a, b *PerRule) int { return cmp.Compare(b.Line.Slope, a.Line.Slope) })
	const most = 9
	return out[:min(len(out), most)]
}

// at formats what the line says about n rules.
func (p *PerRule) at(n int) string {
	for _, a := range p.At {
		if a.Rules == n {
			return text.Duration(a.Ns)
		}
	}
	return none
}

func (f *flames) scenarios() []string {
	var out []string
	for _, p := range f.Pages {
		if !slices.Contains(out, p.Scenario) {
			out = append(out, p.Scenario)
		}
	}
	return out
}

// base returns what differences are relative to.
func (f *flames) base() string {
	for _, p := range f.Pages {
		if p.Base != "" {
			return p.Base
		}
	}
	return ""
}

// fact is a line of "How it was measured".
type fact struct{ Name, Value string }

func (h *How) facts() []fact {
	m := &h.Machine
	var out []fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	add("Host", m.Host)
	add("Kernel", strings.TrimSpace(m.Kernel+"  "+m.Build))
	if m.CPU != "" {
		add("CPU", fmt.Sprintf("%d × %s, %s", m.CPUs, m.CPU, m.Arch))
	}
	switch {
	case m.Emulated:
		add("Virtual machine", "emulated by QEMU without hardware virtualization: times are the emulator's")
	case m.Hypervisor:
		add("Virtual machine", "yes")
	}
	add("Preemption", m.Preemption)
	if m.Kernel != "" {
		add("Mitigations", cmp.Or(strings.Join(m.Mitigations, "; "), "none reported"))
	}
	add("LSMs", strings.Join(m.LSMs, ", "))
	add("Clock", m.ClockSource)
	if m.Kernel != "" {
		add("Frequency governor", cmp.Or(m.Governor, "none: the kernel does not scale frequencies here"))
	}
	add("Kernel command line", m.CommandLine)
	add("Enforcer", strings.TrimSpace(h.Enforcer+" "+h.Product))
	add("Suite", h.Suite)
	add("Container", h.Container)
	if h.Imported {
		add("Measured", "elsewhere: the scores were imported")
	} else if h.Order != "" {
		add("Order", fmt.Sprintf("%s, seed %d", h.Order, h.Seed))
		add("Rounds of a cell", rangeText(h.RoundsMin, h.RoundsMax)+fmt.Sprintf(" (%s)",
			text.Plural(h.Runs, "run")))
		add("Slice", fmt.Sprintf("%s, after a warm-up of %s that does not count", time.Duration(h.SliceNs),
			time.Duration(h.WarmupNs)))
	}
	if c := h.Calibration; c != nil {
		add("Calibration", c.String())
		add("Cost of probing", fmt.Sprintf("%s per call, in profile runs only: scores never come from a "+
			"probed run", text.Duration(c.ProbeCost.Value)))
	} else if !h.Imported && h.Order != "" {
		add("Calibration", "none: hook costs are uncorrected readings")
	}
	if h.Completeness != nil {
		add("Completeness", fmt.Sprintf("%.2f %% of the hook calls have a time, in the least complete "+
			"profile run", *h.Completeness))
	}
	add("lsmprof", h.Version)
	return out
}

func rangeText(low, high int) string {
	if low == high {
		return fmt.Sprint(low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}

// OldFacts returns the facts of the old run of a comparison that differ from those of the new one.
func (v *view) OldFacts() []fact {
	now := v.How.facts()
	return slices.DeleteFunc(v.Comparison.Old.facts(), func(f fact) bool { return slices.Contains(now, f) })
}

// ByTest groups the deltas of a comparison.
func (v *view) ByTest() [][]Delta {
	var out [][]Delta
	for _, d := range v.Comparison.Deltas {
		if n := len(out); n == 0 || out[n-1][0].Test != d.Test {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], d)
	}
	return out
}
