package forecast

import (
	"slices"
	"sort"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// curve is the hook cost of a workload over the number of rules of a kind. From one rule on, the cost and each of its
// errors are straight between the knots: where a line ends that was measured, and where there are no more rules.
type curve struct {
	kind   string
	base   Rules
	none   estimate // without rules of the kind
	knots  []int    // ascending, the first is 1
	values []estimate
}

func (m *Model) curve(w *Workload, base Rules, kind string) *curve {
	c := &curve{kind: kind, base: base, knots: []int{1, mostRules}}
	for _, l := range slices.Concat(m.Lines, m.pooled) {
		c.knots = append(c.knots, max(1, l.Most))
	}
	for _, k := range kinds() {
		c.knots = append(c.knots, mostOf(k))
	}
	slices.Sort(c.knots)
	c.knots = slices.Compact(c.knots)
	sum := func(n int) (e estimate) {
		want := c.rules(n)
		for i := range w.Rows {
			row, _ := m.row(w, i, want)
			e.add(row.times(w.Rows[i].Calls))
		}
		return e
	}
	c.none = sum(0)
	for _, n := range c.knots {
		c.values = append(c.values, sum(n))
	}
	return c
}

// rules returns the rules with n of the kind.
func (c *curve) rules(n int) Rules {
	some := Rules{}
	for _, k := range kinds() {
		if k == c.kind || c.kind == EachType {
			some[k] = min(n, mostOf(k))
		}
	}
	return c.base.With(some)
}

// at returns the cost with n rules.
func (c *curve) at(n int) estimate {
	if n <= 0 {
		return c.none
	}
	i, exact := slices.BinarySearch(c.knots, n)
	if exact {
		return c.values[i]
	}
	low, high := c.knots[i-1], c.knots[i]
	return c.values[i-1].between(c.values[i], float64(n-low)/float64(high-low))
}

// most returns the largest number of rules that cost no more than limit, with a number of standard deviations added to
// the cost. It returns -1 if even no rule costs more.
func (c *curve) most(limit, deviations float64) int {
	limit *= 1 + 1e-9 // what costs just the limit is affordable, whatever the last bits are
	return sort.Search(mostRules+1, func(n int) bool {
		e := c.at(n)
		return e.value+deviations*e.deviation() > limit
	}) - 1
}

// mostOf returns how many rules of a kind there can be: a capability is denied or not, and so is tracing.
func mostOf(kind string) int {
	switch kind {
	case rules.Cap:
		return 41
	case rules.Ptrace:
		return 1
	}
	return mostRules
}

// Curve returns the hook cost of a test or a workload over the number of rules of a kind, or of each. Rules of other
// kinds are as in base, else as they are; in tests there are none.
func (m *Model) Curve(w *Workload, base Rules, kind string) func(rules int) Amount {
	if w.Test {
		base = none().With(base)
	}
	c := m.curve(w, base, kind)
	return func(n int) Amount { return m.amount(w, c.at(n)) }
}

// Measured returns the largest number of rules of a kind, or of any, that the model was fitted to.
func (m *Model) Measured(kind string) (most int) {
	for i := range m.Lines {
		if l := &m.Lines[i]; l.Kind == kind || kind == EachType {
			most = max(most, l.Most)
		}
	}
	return most
}

// Reaches reports whether a workload calls a hook with rules of a kind.
func (m *Model) Reaches(w *Workload, kind string) bool {
	for i := range w.Rows {
		l := m.lineOf(w.Rows[i].place(), w.Rows[i].Enforcer)
		if l != nil && (l.Kind == kind || kind == EachType) {
			return true
		}
	}
	return false
}
