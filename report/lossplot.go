package report

import (
	"fmt"
	"html/template"
)

// A plot of losses has a row for each scenario: its name, the loss with its interval, and the figure. All sizes are in
// px.
const (
	lossWidth, lossRow, lossLabel, lossFigure = 340.0, 19.0, 96.0, 64.0
	lossTop, lossAxis                         = 4.0, 20.0
)

// lossPlot draws the losses of a test on bars of what the hooks explain, in the colour of each hook's class. The band
// is the apparent loss of the second baseline: noise.
func lossPlot(t *Test, classes map[string]string) template.HTML {
	var rows []*Cell
	low, high := 0.0, 0.0
	if t.Noise != nil {
		low, high = min(low, t.Noise.Low), max(high, t.Noise.High)
	}
	for i := range t.Cells {
		c := &t.Cells[i]
		if c.Baseline || c.absurd() {
			continue
		}
		rows = append(rows, c)
		low, high = min(low, c.Loss), max(high, c.Loss)
		if c.CI.known() {
			low, high = min(low, c.CI.Low), max(high, c.CI.High)
		}
		if c.Explained != nil {
			high = max(high, *c.Explained)
		}
	}
	const least = 0.001 // smaller differences are not worth zooming in
	if missing := least - (high - low); missing > 0 {
		low, high = low-missing/2, high+missing/2
	}
	margin := (high - low) * 0.04
	x := scale{low - margin, high + margin, lossLabel, lossWidth - lossFigure}
	bottom := lossTop + lossRow*float64(len(rows))
	s := newSVG(lossWidth, bottom+lossAxis, t.Label+": measured loss and the part that hooks explain, by scenario",
		"The table has the same figures.")
	axis(s, x, bottom)
	if t.Noise != nil {
		s.rect("band", x.at(t.Noise.Low), lossTop, x.at(t.Noise.High)-x.at(t.Noise.Low), bottom-lossTop,
			fmt.Sprintf("noise: the second baseline, %s %%", intervalText(*t.Noise)))
	}
	s.line("zero", x.at(0), lossTop, x.at(0), bottom)
	for i, c := range rows {
		y := lossTop + lossRow*(float64(i)+0.5)
		s.text("", 0, y+4, short(c.Scenario, 15))
		title := c.Scenario + ": loss " + lossText(c)
		if c.Explained != nil {
			stack(s, x, y, c, classes)
			title += fmt.Sprintf("; hooks explain %s %%", fixed(*c.Explained))
		}
		if c.CI.known() {
			whisker(s, x.at(c.CI.Low), x.at(c.CI.High), y)
		}
		class, figure := "point", fixed(c.Loss)+" %"
		if !c.Significant {
			class, figure = "point maybe", "~ "+figure
		}
		s.circle(class, x.at(c.Loss), y, 3.5, title)
		s.text("e num", lossWidth, y+4, figure)
	}
	return s.html()
}

func stack(s *svg, x scale, y float64, c *Cell, classes map[string]string) {
	from := 0.0
	for _, h := range c.Hooks {
		s.rect(classes[h.Hook], x.at(from), y-6, x.at(from+h.Loss)-x.at(from), 12, fmt.Sprintf("%s: %s %%",
			h.Hook, fixed(h.Loss)))
		from += h.Loss
	}
}

func whisker(s *svg, from, to, y float64) {
	s.line("whisker", from, y, to, y)
	s.line("whisker", from, y-3, from, y+3)
	s.line("whisker", to, y-3, to, y+3)
}

// axis draws an axis of percentages with a grid.
func axis(s *svg, x scale, bottom float64) {
	ticks := x.ticks(4)
	digits := max(0, decimals(ticks)-2)
	for _, v := range ticks {
		s.line("grid", x.at(v), lossTop, x.at(v), bottom)
		s.text("m axis", x.at(v), bottom+14, minus(fmt.Sprintf("%.*f", digits, 100*v))+" %")
	}
}

// deltaPlot draws how the losses of a test changed since the old run.
func deltaPlot(label string, deltas []Delta) template.HTML {
	low, high := 0.0, 0.0
	for _, d := range deltas {
		low, high = min(low, d.Delta), max(high, d.Delta)
		if d.CI.known() {
			low, high = min(low, d.CI.Low), max(high, d.CI.High)
		}
	}
	if high-low < 0.001 {
		low, high = low-0.0005, high+0.0005
	}
	margin := (high - low) * 0.04
	x := scale{low - margin, high + margin, lossLabel, lossWidth - lossFigure}
	bottom := lossTop + lossRow*float64(len(deltas))
	s := newSVG(lossWidth, bottom+lossAxis, label+": change of the loss, new minus old, by scenario",
		"The table below has the same figures.")
	axis(s, x, bottom)
	s.line("zero", x.at(0), lossTop, x.at(0), bottom)
	for i, d := range deltas {
		y := lossTop + lossRow*(float64(i)+0.5)
		s.text("", 0, y+4, short(d.Scenario, 15))
		if d.CI.known() {
			whisker(s, x.at(d.CI.Low), x.at(d.CI.High), y)
		}
		class, figure := "point", signed(d.Delta)
		if !d.Significant {
			class, figure = "point maybe", "~ "+figure
		}
		s.circle(class, x.at(d.Delta), y, 3.5, fmt.Sprintf("%s: %s points (%s)", d.Scenario, signed(d.Delta),
			intervalText(d.CI)))
		s.text("e num", lossWidth, y+4, figure)
	}
	return s.html()
}
