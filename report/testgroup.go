package report

import (
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/text"
)

const groupPrograms, groupCalls = "Programs", "Single calls"

// testGroup is a group of tests under one heading.
type testGroup struct {
	Name, What string
	Tests      []*Test // that have cells
}

// Plotted returns the tests of the group that are drawn: all but those in which no program of the enforcer runs.
func (g testGroup) Plotted() []*Test {
	return slices.DeleteFunc(slices.Clone(g.Tests), func(t *Test) bool { return t.control() })
}

// Groups returns the groups that have tests, programs first.
func (v *view) Groups() []testGroup {
	var out []testGroup
	for _, g := range []testGroup{
		{Name: groupPrograms, What: "What programs do all day. Judge by these figures."},
		{Name: groupCalls, What: "Loops that do nothing else. Their losses are the ceiling, not what a " +
			"workload loses."},
	} {
		for _, t := range v.Scored() {
			if (t.Group == GroupCall) == (g.Name == groupCalls) {
				g.Tests = append(g.Tests, t)
			}
		}
		if len(g.Tests) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// Profiled returns the tests that have a profile run and are not controls.
func (v *view) Profiled() []*Test {
	return slices.DeleteFunc(v.Scored(), func(t *Test) bool { return t.Exposed == nil || t.control() })
}

// control reports whether no program of the enforcer runs in the test.
func (t *Test) control() bool { return t.Exposed != nil && !*t.Exposed }

// Controls returns a sentence about the tests in which no program of the enforcer runs, or "".
func (v *view) Controls() string {
	var names []string
	low, high := 0.0, 0.0
	for _, t := range v.Scored() {
		if !t.control() {
			continue
		}
		names = append(names, t.Label)
		for i := range t.Cells {
			if c := &t.Cells[i]; !c.Baseline && !c.absurd() {
				low, high = min(low, c.Loss), max(high, c.Loss)
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("Controls: %s. No program of the enforcer runs in them. Whatever they seem to lose, %s %% "+
		"to %s %%, "+
		"shows how far off this measurement can be.", text.List(names), fixed(low), fixed(high))
}

// nature says where a test comes from, and if it is a control.
func (t *Test) nature() string {
	switch {
	case t.Exposed == nil:
		return t.Kind + ", not profiled"
	case t.control():
		return t.Kind + ", control"
	}
	return t.Kind
}
