package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Sizes of the plot of a fleet, in px.
const fleetWidth, fleetRow, fleetLabel = 680.0, 44.0, 150.0

// fleetPlot draws each node as a dot, in a row for each measure, by its ratio to the median node.
func fleetPlot(r *FleetReport) template.HTML {
	if len(r.Nodes) < 2 {
		return ""
	}
	rows := fleetMeasures
	const widest = 6.0 // powers of two; dots beyond stand at the edge
	x := scale{-1, 1, fleetLabel, fleetWidth - 20}
	ratios := make([][]float64, len(rows))
	for i, row := range rows {
		var values []float64
		for j := range r.Nodes {
			if v := row.of(&r.Nodes[j]); v > 0 {
				values = append(values, v)
			}
		}
		median := medianOr1(values)
		for j := range r.Nodes {
			off := math.NaN()
			if v := row.of(&r.Nodes[j]); v > 0 {
				off = math.Log2(v / median)
				x.low, x.high = max(-widest, min(x.low, off)), min(widest, max(x.high, off))
			}
			ratios[i] = append(ratios[i], off)
		}
	}
	x.low, x.high = math.Floor(x.low), math.Ceil(x.high)
	bottom := fleetRow * float64(len(rows))
	s := newSVG(fleetWidth, bottom+lossAxis, "Nodes by their ratio to the median node",
		"The table has the figures.")
	for v := x.low; v <= x.high; v++ {
		s.line("grid", x.at(v), 0, x.at(v), bottom)
		s.text("m axis", x.at(v), bottom+14, text.Number(math.Round(math.Exp2(v)*1000)/1000)+" ×")
	}
	s.line("zero", x.at(0), 0, x.at(0), bottom)
	for i, row := range rows {
		y := fleetRow * (float64(i) + 0.5)
		s.text("", 0, y+4, row.label)
		for j := range r.Nodes {
			n := &r.Nodes[j]
			if math.IsNaN(ratios[i][j]) {
				continue
			}
			class, spread := "point maybe", 22*(math.Mod(float64(j)*0.618034, 1)-0.5)
			for _, d := range n.Differs {
				if d.Measure == row.name {
					class = "point"
				}
			}
			s.circle(class, x.at(ratios[i][j]), y+spread, 3, fmt.Sprintf("%s: %.2f × the median node",
				n.Name,
				math.Exp2(ratios[i][j])))
		}
	}
	return s.html()
}
