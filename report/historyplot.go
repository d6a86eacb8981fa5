package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Sizes of the plot of a series, in px.
const historyWidth, historyHeight, historyLeft, historyTop = 680.0, 120.0, 70.0, 8.0

// mostHistoryPlots is how many series a page draws: those with changes first.
const mostHistoryPlots = 40

// historyPlot draws a series over its points. Lines are the medians between changes.
func historyPlot(r *HistoryReport, s *HistorySeries) template.HTML {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range s.known() {
		low, high = min(low, v), max(high, v)
	}
	if math.IsInf(low, 1) {
		return ""
	}
	if least := max(1e-4, math.Abs(high)/100); high-low < least {
		low, high = low-least/2, high+least/2
	}
	margin := (high - low) * 0.08
	y := scale{low - margin, high + margin, historyTop + historyHeight, historyTop}
	x := scale{0, max(1, float64(len(r.Points)-1)), historyLeft, historyWidth - 12}
	bottom := historyTop + historyHeight
	p := newSVG(historyWidth, bottom+lossAxis, s.Name+", over time",
		"The table has the changes, and the JSON report all values.")
	for _, v := range y.ticks(3) {
		p.line("grid", historyLeft, y.at(v), historyWidth, y.at(v))
		p.text("e axis", historyLeft-8, y.at(v)+4, s.tick(v))
	}
	for _, i := range []int{0, len(r.Points) - 1} {
		class := "axis"
		if i > 0 {
			class = "e axis"
		}
		p.text(class, x.at(float64(i)), bottom+15, r.Points[i].Start.Format("2006-01-02"))
		if len(r.Points) == 1 {
			break
		}
	}
	from, before := 0, medianOr1(s.known())
	if len(s.Changes) > 0 {
		before = s.Changes[0].Before
	}
	for i := range len(s.Changes) + 1 {
		to := len(r.Points) - 1
		if i < len(s.Changes) {
			to = s.Changes[i].Point
		}
		p.line("whisker", x.at(float64(from)), y.at(before), x.at(float64(to)), y.at(before))
		if i < len(s.Changes) {
			c := &s.Changes[i]
			p.line("zero", x.at(float64(to)), historyTop, x.at(float64(to)), bottom)
			from, before = to, c.After
		}
	}
	for i, v := range s.Values {
		if v == nil {
			continue
		}
		class := "point maybe"
		for j := range s.Changes {
			if s.Changes[j].Point == i {
				class = "point"
			}
		}
		p.circle(class, x.at(float64(i)), y.at(*v), 2.5, fmt.Sprintf("%s, %s: %s", r.Points[i].Name,
			r.Points[i].Start.Format("2006-01-02 15:04"), s.format(*v)))
	}
	return p.html()
}

// tick formats a value at the axis.
func (s *HistorySeries) tick(v float64) string {
	switch s.Kind {
	case "mean":
		return text.Duration(v)
	case "relative_cost":
		return text.Number(math.Round(v*1000)/1000) + " ×"
	default:
		return minus(text.Number(math.Round(v*1e6)/1e4)) + " %"
	}
}
