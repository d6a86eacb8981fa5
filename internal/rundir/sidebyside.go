package rundir

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/internal/stats"
)

// SideBySide compares enforcers in one test, by the scenarios that say what they stand for.
type SideBySide struct {
	Test string
	// Hook takes most of the time, of all enforcers together. "" without profile runs.
	Hook      string
	Enforcers []ComparedEnforcer // in the order of the scenarios
}

// ComparedEnforcer is one enforcer in one test.
type ComparedEnforcer struct {
	Enforcer string
	Cells    []ComparedCell // by number of rules
	Line     *stats.Line    // hook cost of an operation, in ns, over the number of rules; nil: too few scenarios
}

// ComparedCell is one test under one number of rules of an enforcer.
type ComparedCell struct {
	Rules int
	Cell  *Cell
	// PerCall is what a call of SideBySide.Hook takes, all its programs and functions together, and Err its
	// standard error, in ns. 0: not measured.
	PerCall, Err float64

	operation stats.Point
}

// Compare compares the enforcers of a plan, by test. It returns nil if the scenarios do not name two.
func (a *Analysis) Compare(p *Plan) []SideBySide {
	var enforcers []string
	by := map[string]*Compared{}
	for _, s := range p.Scenarios {
		if s.Compare != nil && !s.SecondBaseline {
			by[s.Name] = s.Compare
			if !slices.Contains(enforcers, s.Compare.Enforcer) {
				enforcers = append(enforcers, s.Compare.Enforcer)
			}
		}
	}
	if len(enforcers) < 2 {
		return nil
	}
	var all []SideBySide
	for _, t := range p.Tests {
		side := SideBySide{Test: t.Name, Hook: a.heaviestHook(t.Name, by)}
		for _, name := range enforcers {
			if e := a.compared(t.Name, side.Hook, name, by); len(e.Cells) > 0 {
				side.Enforcers = append(side.Enforcers, e)
			}
		}
		if len(side.Enforcers) > 1 {
			all = append(all, side)
		}
	}
	return all
}

// compared collects the cells of one enforcer in a test. The line is fitted to those with rules, because without any an
// enforcer may end before it builds a path.
func (a *Analysis) compared(test, hook, enforcer string, by map[string]*Compared) ComparedEnforcer {
	e := ComparedEnforcer{Enforcer: enforcer}
	var points []stats.Point
	for i := range a.Cells {
		c := &a.Cells[i]
		if as := by[c.Scenario]; c.Test == test && as != nil && as.Enforcer == enforcer {
			cell := ComparedCell{Rules: as.Rules, Cell: c}
			cell.measure(hook)
			if e.Cells = append(e.Cells, cell); c.Profile != nil && as.Rules > 0 {
				points = append(points, cell.operation)
			}
		}
	}
	slices.SortStableFunc(e.Cells, func(a, b ComparedCell) int { return cmp.Compare(a.Rules, b.Rules) })
	if line, err := stats.FitLine(points); err == nil {
		e.Line = &line
	}
	return e
}

// measure adds up the rows of the cell's profile: those of a hook for one call, and all of them for one operation.
func (c *ComparedCell) measure(hook string) {
	if c.Cell.Profile == nil {
		return
	}
	var ns, variance, calls, operation float64
	for _, r := range c.Cell.Profile.Rows {
		operation += r.Calls * r.Calls * r.Err * r.Err
		if r.Hook == hook {
			ns += r.Calls * cmp.Or(r.Typical, r.Mean)
			variance += r.Calls * r.Calls * r.Err * r.Err
		}
	}
	calls = c.Cell.Profile.callsOf(hook)
	if calls > 0 {
		c.PerCall, c.Err = ns/calls, math.Sqrt(variance)/calls
	}
	c.operation = stats.Point{X: float64(c.Rules), Y: c.Cell.Profile.HookNs, Err: math.Sqrt(operation)}
}

// callsOf returns how often a hook was called: as often as the program or function on it that was called most.
func (e *Explained) callsOf(hook string) (most float64) {
	byProgram := map[string]float64{}
	for _, r := range e.Rows {
		if r.Hook == hook {
			byProgram[r.Program] += r.Calls
			most = max(most, byProgram[r.Program])
		}
	}
	return most
}

// heaviestHook returns the hook that takes most of the time of a test, in all compared scenarios together.
func (a *Analysis) heaviestHook(test string, by map[string]*Compared) (heaviest string) {
	ns := map[string]float64{}
	for i := range a.Cells {
		if c := &a.Cells[i]; c.Test == test && by[c.Scenario] != nil && c.Profile != nil {
			for _, r := range c.Profile.Rows {
				ns[r.Hook] += r.HookNs
			}
		}
	}
	for hook, v := range ns {
		if heaviest == "" || v > ns[heaviest] || v == ns[heaviest] && hook < heaviest {
			heaviest = hook
		}
	}
	return heaviest
}
