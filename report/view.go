package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

// What page.html and the Markdown ask of a report.

// Meta is the line below the title.
func (r *Report) Meta() string {
	m := &r.How.Machine
	var parts []string
	if m.Kernel != "" {
		parts = append(parts, "Linux "+m.Kernel+" "+m.Arch, fmt.Sprintf("%d × %s", m.CPUs, cmp.Or(m.CPU, "unknown CPU")))
	}
	if m.Emulated {
		parts = append(parts, "emulated")
	}
	parts = append(parts, fmt.Sprintf("%s, %s", plural(len(r.Tests), "test"), plural(len(r.Scenarios), "scenario")))
	if !r.How.Start.IsZero() {
		parts = append(parts, r.How.Start.UTC().Format("2 January 2006"))
	}
	return strings.Join(parts, " · ")
}

// Scored are the tests that have cells.
func (r *Report) Scored() []*Test {
	var out []*Test
	for i := range r.Tests {
		if len(r.Tests[i].Cells) > 0 {
			out = append(out, &r.Tests[i])
		}
	}
	return out
}

// WithHooks are the tests in which programs of the enforcer run.
func (r *Report) WithHooks() []*Test {
	var out []*Test
	for _, t := range r.Scored() {
		if t.Exposed != nil && *t.Exposed {
			out = append(out, t)
		}
	}
	return out
}

// Controls are the labels of the tests that were profiled and reach no program.
func (r *Report) Controls() string {
	var out []string
	for _, t := range r.Scored() {
		if t.Exposed != nil && !*t.Exposed {
			out = append(out, t.Label)
		}
	}
	return list(out)
}

// Nature says where a test comes from, and whether it can be the enforcer's business.
func (t *Test) Nature() string {
	switch {
	case t.Exposed == nil:
		return t.Kind + ", not profiled"
	case *t.Exposed:
		return t.Kind + ", exposed"
	}
	return t.Kind + ", control"
}

// Base is the baseline's cell.
func (t *Test) Base() *Cell {
	for i := range t.Cells {
		if t.Cells[i].Baseline {
			return &t.Cells[i]
		}
	}
	return nil
}

// Under are the cells of a row: nil where a scenario has none.
func (r *Report) Under(t *Test) []*Cell {
	var out []*Cell
	for _, s := range r.Scenarios {
		if !s.Baseline {
			out = append(out, t.cell(s.Name))
		}
	}
	return out
}

// Half is half of the interval.
func (c *Cell) Half() float64 { return c.CI.Half() }

// Unknown says that one round gave no interval.
func (c *Cell) Unknown() bool { return !known(c.CI) }

// IndexRow is UnixBench's index of all scenarios for one number of copies.
type IndexRow struct {
	Copies  int
	Partial bool
	Tests   int
	Values  []float64 // in the order of scenarios; 0: none
}

// Indexes are the rows below the scores.
func (r *Report) Indexes() []IndexRow {
	var out []IndexRow
	for _, base := range r.Index {
		if base.Scenario != r.Baseline {
			continue
		}
		row := IndexRow{Copies: base.Copies, Partial: base.Partial, Tests: len(base.PerTest)}
		for _, s := range r.Scenarios {
			v := 0.0
			for _, x := range r.Index {
				if x.Scenario == s.Name && x.Copies == base.Copies {
					v = x.System
				}
			}
			row.Values = append(row.Values, v)
		}
		out = append(out, row)
	}
	return out
}

// Rounds are the scores of a cell, round by round.
func (r *Report) Rounds(c *Cell) string {
	var b strings.Builder
	for i := range r.rounds {
		if res := &r.rounds[i]; res.Test == c.Test && res.Scenario == c.Scenario {
			if b.Len() > 0 {
				b.WriteString("  ")
			}
			b.WriteString(number(res.Score))
		}
	}
	return b.String()
}

// FewRounds says whether a page has room for all of them.
func (r *Report) FewRounds() bool { return len(r.rounds) <= 5000 }

// LegendItem is a colour and what it stands for.
type LegendItem struct{ Class, Name string }

// Legend is that of the explained losses.
func (r *Report) Legend() []LegendItem {
	var out []LegendItem
	others := 0
	for hook, class := range r.colours() {
		if class == "c7" {
			others++
			continue
		}
		out = append(out, LegendItem{class, hook})
	}
	slices.SortFunc(out, func(a, b LegendItem) int { return cmp.Compare(a.Class, b.Class) })
	if others > 0 {
		out = append(out, LegendItem{"c7", plural(others, "other hook")})
	}
	return out
}

// HeatScenario is the scenario whose hooks are drawn and listed first.
func (r *Report) HeatScenario() string { return r.heat.scenario }

// Heat is the drawing of it; empty where nothing was profiled.
func (r *Report) Heat() template.HTML {
	if len(r.heat.hooks) == 0 {
		return ""
	}
	return heatPlot(r.heat)
}

// mostRows is how many rows of a table a page has; report.json and the CSV have all.
const mostRows = 400

// HeatRows are the rows of that scenario, the most expensive first.
func (r *Report) HeatRows() []HookRow {
	return r.hookRows(func(s string) bool { return s == r.heat.scenario })
}

func (r *Report) otherRows() []HookRow {
	return r.hookRows(func(s string) bool { return s != r.heat.scenario })
}

// HookTable is a table of hooks, without columns that say the same in every row.
type HookTable struct {
	Others bool // not of the one scenario
	Denied bool
	Rows   []HookRow
}

// HeatTable has the rows of that scenario, OtherTable those of the others.
func (r *Report) HeatTable() HookTable  { return hookTable(false, r.HeatRows()) }
func (r *Report) OtherTable() HookTable { return hookTable(true, r.otherRows()) }

func hookTable(others bool, rows []HookRow) HookTable {
	return HookTable{others, slices.ContainsFunc(rows, func(h HookRow) bool { return h.Denials > 0 }), rows}
}

func (r *Report) hookRows(want func(scenario string) bool) []HookRow {
	var out []HookRow
	for _, h := range r.Hooks {
		if want(h.Scenario) && h.Calls > 1e-4 { // rarer ones belong to the tests' own bookkeeping
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

// RulesText is the number of rules that the program walks.
func (h HookRow) RulesText() string {
	if h.Rules < 0 {
		return "unknown"
	}
	return fmt.Sprint(h.Rules)
}

// Steepest are the rules that cost most, as many as there is room for.
func (r *Report) Steepest() []*PerRule {
	var out []*PerRule
	for i := range r.PerRule {
		out = append(out, &r.PerRule[i])
	}
	slices.SortStableFunc(out, func(a, b *PerRule) int { return cmp.Compare(b.Line.Slope, a.Line.Slope) })
	const most = 9
	return out[:min(len(out), most)]
}

// AtText is what the line says of n rules, or nothing.
func (p PerRule) AtText(n int) string {
	for _, a := range p.At {
		if a.Rules == n {
			return nanos(a.Ns)
		}
	}
	return "–"
}

// FlameScenarios are those that have a flame graph.
func (r *Report) FlameScenarios() []string {
	var out []string
	for _, p := range r.flames.Pages {
		if !slices.Contains(out, p.Scenario) {
			out = append(out, p.Scenario)
		}
	}
	return out
}

// FlameBase is what differences are to.
func (r *Report) FlameBase() string {
	for _, p := range r.flames.Pages {
		if p.Base != "" {
			return p.Base
		}
	}
	return ""
}

// Fact is a line of how it was measured.
type Fact struct{ Name, Value string }

// Facts are what is known of how it was measured.
func (h *How) Facts() []Fact {
	m := &h.Machine
	var out []Fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, Fact{name, value})
		}
	}
	add("Kernel", strings.TrimSpace(m.Kernel+"  "+m.Build))
	if m.CPU != "" {
		add("CPU", fmt.Sprintf("%d × %s, %s", m.CPUs, m.CPU, m.Arch))
	}
	switch {
	case m.Emulated:
		add("Virtual machine", "emulated by QEMU without hardware virtualisation: times are the emulator's")
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
	} else {
		add("Order", fmt.Sprintf("%s, seed %d", h.Order, h.Seed))
		add("Rounds of a cell", rangeText(h.RoundsMin, h.RoundsMax)+fmt.Sprintf(" (%s)", plural(h.Runs, "run")))
		add("Slice", fmt.Sprintf("%s, behind %s that are not counted", time.Duration(h.SliceNs), time.Duration(h.WarmupNs)))
	}
	if c := h.Calibration; c != nil {
		add("Calibration", c.String())
		add("Cost of probing", fmt.Sprintf("%s per invocation, in profile runs only: scores never come from a probed run", nanos(c.ProbeCost.Value)))
	} else if !h.Imported {
		add("Calibration", "none: hook costs are readings as they are")
	}
	if h.Completeness != nil {
		add("Completeness", fmt.Sprintf("%.2f %% of the invocations have a time, in the least complete profile run", *h.Completeness))
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

// ByTest are the deltas of each test.
func (c *Comparison) ByTest() [][]Delta {
	var out [][]Delta
	for _, d := range c.Deltas {
		if n := len(out); n == 0 || out[n-1][0].Test != d.Test {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], d)
	}
	return out
}
