package report

import (
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// Costs far from the measured points are given only if the slope is known well enough.
func TestExtrapolatedCosts(t *testing.T) {
	line := func(slope, half float64) rundir.RuleCost {
		return rundir.RuleCost{
			Line: stats.Line{
				Intercept: 9500, Slope: slope,
				SlopeCI: stats.Interval{Low: slope - half, High: slope + half},
			},
			Points: []stats.Point{{X: 1, Y: 9500}, {X: 2, Y: 9500}, {X: 16, Y: 9500}},
		}
	}
	for _, c := range []struct {
		cost rundir.RuleCost
		want [3]string
	}{
		{line(200, 5), [3]string{none, "15.9 µs", "22.3 µs"}},
		{line(0, 20), [3]string{none, "9.50 µs", "9.50 µs"}},
		{line(49, 309), [3]string{none, "11.1 µs", "cannot tell"}},
		{line(-423, 5410), [3]string{none, "cannot tell", "cannot tell"}},
	} {
		p := new(Report).perRule(c.cost)
		if got := [3]string{p.at(16), p.at(32), p.at(64)}; got != c.want {
			t.Errorf("a slope of %+v: %q, want %q", c.cost.Line, got, c.want)
		}
	}
}
