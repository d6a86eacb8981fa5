package rundir

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/internal/stats"
)

// RuleCost is the cost that a rule adds to a call of a hook.
type RuleCost struct {
	Test    string        `json:"test"`
	Syscall string        `json:"syscall"`
	Hook    string        `json:"hook"`
	Program string        `json:"program"`
	Line    stats.Line    `json:"line"` // hook cost in ns over rules
	Points  []stats.Point `json:"points"`
}

// apart is how far two profile runs of the same differ, as a share of the cost.
const apart = 0.005

// ruleCostAt returns a point of a line. Its error is that of its own calls and of its profile run.
func ruleCostAt(rules int, ns float64, row *ExplainedRow) stats.Point {
	return stats.Point{
		X: float64(rules), Y: ns, Err: math.Hypot(row.Err, apart*ns), Scatter: row.Scatter, Rare: row.Rare,
	}
}

// costPerRule fits lines through the profile runs of scenarios whose workload is confined. The intercept is the cost of
// reaching the rules, and the slope that of walking them.
func costPerRule(p *Plan, explained map[string]map[string]Explained) []RuleCost {
	type key struct{ test, syscall, hook, program string }
	points := map[key][]stats.Point{}
	for _, s := range p.Scenarios {
		if !s.Confined {
			continue
		}
		for test, cells := range explained {
			for _, r := range cells[s.Name].Rows {
				// Without rules the programs end before they build a path.
				if r.Rules > 0 && r.Calls > 1e-3 {
					k := key{test, r.Syscall, r.Hook, r.Program}
					points[k] = append(points[k], ruleCostAt(r.Rules, cmp.Or(r.Typical, r.Mean),
						&r))
				}
			}
		}
	}
	out := []RuleCost{}
	for k, ps := range points {
		slices.SortFunc(ps, func(a, b stats.Point) int {
			return cmp.Or(cmp.Compare(a.X, b.X),
				cmp.Compare(a.Y, b.Y))
		})
		if line, err := stats.FitLine(ps); err == nil {
			out = append(out, RuleCost{k.test, k.syscall, k.hook, k.program, line, ps})
		}
	}
	slices.SortFunc(out, func(a, b RuleCost) int {
		return cmp.Or(cmp.Compare(a.Test, b.Test), cmp.Compare(a.Syscall, b.Syscall),
			cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Program, b.Program))
	})
	return out
}
