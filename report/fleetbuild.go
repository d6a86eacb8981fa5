package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/internal/fleet"
	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/internal/text"
)

// Measures by which nodes are compared. Cost per second is none: it is the product of the first two.
const (
	measureCalls    = "calls"
	measureMean     = "mean"
	measureRelative = "relative_cost"
)

// fleetMeasures returns measures of a node; 0: it has none.
var fleetMeasures = []struct {
	name, label string
	of          func(*FleetNode) float64
}{
	{measureCalls, "calls/s", func(n *FleetNode) float64 { return n.Rate() }},
	{measureMean, "mean cost of a call", func(n *FleetNode) float64 { return n.Mean() }},
	{measureRelative, "cost of same calls", func(n *FleetNode) float64 {
		if n.Relative == nil {
			return 0
		}
		return *n.Relative
	}},
}

// leastDifference is the ratio to the median node below which a difference is not worth a word, however certain.
const leastDifference = 1.1

// Report returns the report on the profiles that were added.
func (f *Fleet) Report() *FleetReport {
	r := &FleetReport{
		Schema: FleetSchema, Nodes: []FleetNode{}, Tables: []FleetTable{}, Missing: []FleetMissing{},
		Facts: []string{}, sums: &f.sums,
	}
	r.Missing = append(r.Missing, f.missing...)
	slices.SortFunc(r.Missing, func(a, b FleetMissing) int { return cmp.Compare(a.Source, b.Source) })
	f.sums.Sort()
	relative := f.sums.Relative()
	for i, n := range f.sums.Nodes {
		total := n.Total()
		node := FleetNode{
			Name: n.Name, Source: n.Source, Profiles: n.Profiles, Seconds: n.Seconds,
			Differs: []FleetScore{},
			ProfileCost: ProfileCost{
				Calls: total.Calls, Denials: total.Denials, HookNs: total.Ns, seconds: n.Seconds,
			},
			Share: float64(total.Ns) / 1e9 / n.Seconds,
		}
		if ratio := relative[i].Ratio; ratio > 0 {
			node.Relative = &ratio
		}
		r.Nodes = append(r.Nodes, node)
	}
	r.judge()
	r.tabulate()
	slices.SortFunc(r.Nodes, compareFleetNodes)
	r.say()
	return r
}

// compareFleetNodes puts nodes that differ first, the clearest of them first, and then those that take most.
func compareFleetNodes(a, b FleetNode) int {
	score := func(n *FleetNode) float64 {
		if len(n.Differs) == 0 {
			return 0
		}
		return math.Abs(n.Differs[0].Score)
	}
	return cmp.Or(cmp.Compare(score(&b), score(&a)), cmp.Compare(b.Share, a.Share), cmp.Compare(a.Name, b.Name))
}

// judge finds the nodes that differ.
func (r *FleetReport) judge() {
	for _, measure := range fleetMeasures {
		var logs []float64
		var nodes []*FleetNode
		for i := range r.Nodes {
			if v := measure.of(&r.Nodes[i]); v > 0 {
				logs, nodes = append(logs, math.Log(v)), append(nodes, &r.Nodes[i])
			}
		}
		limit := stats.RobustLimit(len(logs), stats.Significant/float64(len(fleetMeasures)))
		if math.IsInf(limit, 1) {
			continue
		}
		if r.Limit == nil {
			r.Limit = &limit
		}
		median := stats.Median(logs)
		for i, score := range stats.RobustScores(logs) {
			off := logs[i] - median
			if math.Abs(score) > limit && math.Abs(off) > math.Log(leastDifference) {
				nodes[i].Differs = append(nodes[i].Differs, FleetScore{
					measure.name, math.Exp(off), max(-1000, min(1000, score)),
				})
			}
		}
	}
	for i := range r.Nodes {
		slices.SortFunc(r.Nodes[i].Differs, func(a, b FleetScore) int {
			return cmp.Or(cmp.Compare(math.Abs(b.Score), math.Abs(a.Score)),
				cmp.Compare(b.Measure, a.Measure))
		})
	}
}

// fleetTables are the tables of a fleet, in their order.
var fleetTables = []struct {
	by       string
	property int
}{
	{"enforcer", fleet.Enforcer},
	{"policy", fleet.Policy},
	{"namespace", fleet.Namespace},
	{"hook", fleet.Hook},
	{"syscall", fleet.Syscall},
	{"rules", fleet.Rules},
	{"program", fleet.Program},
}

// tabulate sums the fleet up by each property that tells calls apart. r.Nodes is in the order of the sums.
func (r *FleetReport) tabulate() {
	for _, t := range fleetTables {
		table := FleetTable{By: t.by, Rows: []FleetRow{}}
		for name, costs := range r.sums.By(t.property) {
			table.Rows = append(table.Rows, r.row(fleetName(t.property, name), costs))
		}
		slices.SortFunc(table.Rows, func(a, b FleetRow) int {
			return cmp.Or(cmp.Compare(b.HookNs, a.HookNs), cmp.Compare(a.Name, b.Name))
		})
		if len(table.Rows) > 1 || len(table.Rows) == 1 && table.Rows[0].Name != none {
			r.Tables = append(r.Tables, table)
		}
	}
}

// fleetName returns how a value of a property is shown.
func fleetName(property int, value string) string {
	switch {
	case property == fleet.Enforcer:
		return text.Enforcer(value)
	case value == "" && (property == fleet.Policy || property == fleet.Namespace):
		return none
	case value == "":
		return "unknown"
	}
	return value
}

func (r *FleetReport) row(name string, costs []fleet.Cost) FleetRow {
	row := FleetRow{Name: name}
	shares := make([]float64, len(costs))
	for i, c := range costs {
		row.add(ProfileCost{Calls: c.Calls, Denials: c.Denials, HookNs: c.Ns})
		shares[i] = float64(c.Ns) / 1e9 / r.Nodes[i].Seconds
		if c.Calls > 0 {
			row.Nodes++
		}
		if c.Ns > 0 && shares[i] > row.Share.Max {
			row.Share.Max, row.Share.Most = shares[i], r.Nodes[i].Name
		}
	}
	slices.Sort(shares)
	row.Share.Min, row.Share.Median = shares[0], stats.Median(shares)
	row.Share.P90 = shares[int(math.Ceil(0.9*float64(len(shares))))-1]
	return row
}

func roundTo(v float64, digits int) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return v
	}
	scale := math.Pow(10, float64(digits-1)-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}
