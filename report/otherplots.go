package report

import (
	"fmt"
	"html/template"

	"github.com/lsmprof/lsmprof/internal/text"
)

// lastClass is the style sheet's class that all but the most expensive hooks share.
const lastClass = "c7"

// classes returns a class of the style sheet, which is a colour, for each hook that explains a loss.
func (r *Report) classes() map[string]string {
	const distinct = 7
	cost := map[string]float64{}
	for i := range r.Tests {
		for j := range r.Tests[i].Cells {
			for _, h := range r.Tests[i].Cells[j].Hooks {
				cost[h.Hook] += h.Loss
			}
		}
	}
	out := map[string]string{}
	for i, hook := range byCost(cost) {
		out[hook] = fmt.Sprintf("c%d", min(i, distinct))
	}
	return out
}

// linePlot draws the hook cost of a call against the number of rules in force.
func linePlot(p *PerRule) template.HTML {
	const width, height, left, right, top, bottom = 300.0, 176.0, 46.0, 10.0, 10.0, 34.0
	most, high := 0.0, 0.0
	for _, q := range p.Points {
		most, high = max(most, q.X), max(high, q.Y+q.Err)
	}
	high = max(high, p.Line.Intercept+p.Line.Slope*most, 1)
	x, y := scale{0, most * 1.04, left, width - right}, scale{0, high * 1.08, height - bottom, top}
	s := newSVG(width, height, fmt.Sprintf("%s, %s in %s: ns per call against rules", p.Test, p.Hook, p.Syscall),
		fmt.Sprintf("A line of %.1f ns per rule from %.0f ns.", p.Line.Slope, p.Line.Intercept))
	for _, v := range y.ticks(4) {
		s.line("grid", left, y.at(v), width-right, y.at(v))
		s.text("e axis", left-5, y.at(v)+4, text.Number(v))
	}
	s.line("zero", left, y.at(0), width-right, y.at(0))
	seen := map[float64]bool{}
	for _, q := range p.Points {
		if !seen[q.X] {
			s.text("m axis", x.at(q.X), height-bottom+14, text.Number(q.X))
		}
		seen[q.X] = true
	}
	s.text("m axis", (left+width-right)/2, height-4, "rules in force")
	s.line("fit", x.at(0), y.at(max(0, p.Line.Intercept)), x.at(most), y.at(p.Line.Intercept+p.Line.Slope*most))
	for _, q := range p.Points {
		s.line("whisker", x.at(q.X), y.at(q.Y-1.96*q.Err), x.at(q.X), y.at(q.Y+1.96*q.Err))
		rules := "rules"
		if q.X == 1 {
			rules = "rule"
		}
		s.circle("point", x.at(q.X), y.at(q.Y), 3.5, fmt.Sprintf("%s %s: %.1f ns ± %.1f (standard error)",
			text.Number(q.X), rules, q.Y, q.Err))
	}
	return s.html()
}

// heatPlot draws the hook cost of a call by syscall and hook. Darker is more expensive.
func heatPlot(h *heat) template.HTML {
	// The width of a column, of a page and, in most fonts, of a character at most; the height of a row.
	const narrow, most, character, row = 66.0, 1000.0, 8.5, 27.0
	longest := func(names []string, most int) (n float64) {
		for _, name := range names {
			n = max(n, float64(text.Width(short(name, most))))
		}
		return n * character
	}
	label := longest(h.hooks, 22)
	left, top, cell, over := 12+longest(h.syscalls, 17), 24.0, max(narrow, label+6), 0.0
	level := left+cell*float64(len(h.hooks)) <= most
	if !level { // slanted by 40 degrees
		top, cell, over = 20+label*0.65, narrow, label*0.77-narrow/2
	}
	width, height := left+cell*float64(len(h.hooks))+over, top+row*float64(len(h.syscalls))+4
	s := newSVG(width, height, "hook cost of a call under "+h.scenario+", by syscall and hook",
		"The table below has the same figures.")
	for j, hook := range h.hooks {
		x := left + cell*float64(j) + cell/2
		if level {
			s.text("m", x, top-9, short(hook, 22))
		} else {
			s.slanted(x-8, top-8, short(hook, 22))
		}
	}
	const steps = 9
	for i, syscall := range h.syscalls {
		y := top + row*float64(i)
		s.text("e", left-8, y+row/2+4, short(syscall, 17))
		for j, hook := range h.hooks {
			x := left + cell*float64(j)
			mean, ok := h.mean[[2]string{syscall, hook}]
			if !ok {
				s.rect("h", x+1, y+1, cell-2, row-2, "")
				continue
			}
			class := "h1"
			if h.largest > 0 {
				class = fmt.Sprintf("h%d", 1+int(mean/h.largest*(steps-1)))
			}
			tip := fmt.Sprintf("%s in %s: %s a call", hook, syscall, text.Duration(mean))
			if share, ok := h.share[[2]string{syscall, hook}]; ok {
				tip += fmt.Sprintf(", %s %% of the syscall's own time", percent(share))
			}
			s.rect("h "+class, x+1, y+1, cell-2, row-2, tip)
			s.text("m "+class+"t", x+cell/2, y+row/2+4, text.Duration(mean))
		}
	}
	return s.html()
}
