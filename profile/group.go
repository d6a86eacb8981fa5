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

	readings distribution // of all calls: those without a time are taken to be like the others of their row
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
	if timed := c.Readings.Count(); timed > 0 {
		g.readings.add(&c.Readings, float64(c.Sum), float64(c.Calls)/float64(timed))
	} else if c.Calls > 0 { // charged its dispatch only, as a call that reads just the bias
		var none Histogram
		none.Add(uint64(c.bias))
		g.readings.add(&none, c.bias, float64(c.Calls))
	}
}

// Mean returns the mean hook cost of a call, in ns; 0 without calls.
func (g *Group) Mean() float64 {
	if g.Calls == 0 {
		return 0
	}
	return g.Hook / float64(g.Calls)
}

// Quantile returns a quantile of the hook cost of a call, in ns; 0 without calls. The reading behind it is less than a
// quarter off. Bias and dispatch are the means of the group, which may contain programs at different positions of their
// hooks.
func (g *Group) Quantile(q float64) float64 {
	d := g.readings
	if d.locate(); d.total == 0 {
		return 0
	}
	shift := g.Mean() - d.sum/d.total
	return max(0, d.quantile(q)+shift)
}
