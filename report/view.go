package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

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
	if m := len(p.Points); m > 0 && float64(n) > p.Points[m-1].X {
		return "cannot tell"
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
