package profile

import (
	"cmp"
	"maps"
	"slices"
)

// Group is the sum of all rows that have one name.
type Group struct {
	Name    string
	Calls   uint64
	Denials uint64
	Hook    float64 // of all calls, ns: body and dispatch
	Rules   []int   // the different rule counts, ascending; RulesUnknown comes first

	readings Histogram
	shift    float64 // what makes a hook cost of a reading, ns, times readings
}

// Groups adds up the rows to which name gives the same name, and returns the groups by name.
func (c *Costs) Groups(name func(*Cost) string) []Group {
	byName := map[string]*Group{}
	for i := range c.Rows {
		r := &c.Rows[i]
		n := name(r)
		g := byName[n]
		if g == nil {
			g = &Group{Name: n}
			byName[n] = g
		}
		g.add(r)
	}
	groups := make([]Group, 0, len(byName))
	for _, n := range slices.Sorted(maps.Keys(byName)) {
		groups = append(groups, *byName[n])
	}
	return groups
}

func (g *Group) add(c *Cost) {
	g.Calls += c.Calls
	g.Denials += c.Denials
	g.Hook += c.Hook
	if i, found := slices.BinarySearchFunc(g.Rules, c.Rules, cmp.Compare[int]); !found {
		g.Rules = slices.Insert(g.Rules, i, c.Rules)
	}
	g.readings.Merge(&c.Readings)
	g.shift += (c.dispatch - c.bias) * float64(c.Readings.Count())
}

// Mean returns the mean hook cost of a call, in ns; 0 without calls.
func (g *Group) Mean() float64 {
	if g.Calls == 0 {
		return 0
	}
	return g.Hook / float64(g.Calls)
}

// Quantile is a quantile of the hook cost of a call, ns. The reading behind it is within Tolerance; the dispatch is the mean of the
// group, where first and further programs of hooks are in it together.
func (g *Group) Quantile(q float64) float64 {
	n := g.readings.Count()
	if n == 0 {
		return 0
	}
	return max(0, g.readings.Quantile(q)+g.shift/float64(n))
}
