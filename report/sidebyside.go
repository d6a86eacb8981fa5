package report

import (
	_ "embed"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

//go:embed sidebyside.html
var sideBySideHTML string

// SideBySide compares enforcers in one test, with the same numbers of rules.
type SideBySide struct {
	Test      string             `json:"test"`
	Label     string             `json:"label"`
	Hook      string             `json:"hook"` // that takes most of the time; empty without profile runs
	Enforcers []ComparedEnforcer `json:"enforcers"`
}

// ComparedEnforcer is one enforcer in one test.
type ComparedEnforcer struct {
	Enforcer string         `json:"enforcer"`
	Cells    []ComparedCell `json:"cells"` // by number of rules
	// Line is the hook cost of an operation of the test over the number of rules; null: too few scenarios.
	Line *Line `json:"line"`
}

// ComparedCell is one test under one number of rules of an enforcer.
type ComparedCell struct {
	Scenario  string   `json:"scenario"`
	Rules     int      `json:"rules"`
	Loss      float64  `json:"loss"`
	CI        Interval `json:"ci"`
	Explained *float64 `json:"explained"`
	// PerCall is what a call of the hook takes, all its programs and functions together, and Err its standard
	// error, in ns. Null: not measured.
	PerCall *float64 `json:"call_ns"`
	Err     float64  `json:"call_err_ns"`
}

// sideBySide returns the comparison of the enforcers of a run; nil if its scenarios name no two.
func sideBySide(run *rundir.Run, a *rundir.Analysis, labels map[string]string) (all []SideBySide) {
	for _, s := range a.Compare(&run.Info.Plan) {
		out := SideBySide{Test: s.Test, Label: labels[s.Test], Hook: s.Hook}
		for _, e := range s.Enforcers {
			row := ComparedEnforcer{Enforcer: e.Enforcer}
			for _, c := range e.Cells {
				cell := ComparedCell{
					Scenario: c.Cell.Scenario, Rules: c.Rules, Loss: c.Cell.Loss,
					CI:        Interval(c.Cell.CI),
					Explained: c.Cell.Explained, Err: c.Err,
				}
				if c.PerCall > 0 {
					cell.PerCall = &c.PerCall
				}
				row.Cells = append(row.Cells, cell)
			}
			if l := e.Line; l != nil {
				row.Line = &Line{l.Intercept, l.Slope, Interval(l.SlopeCI), l.R2, l.Bent}
			}
			out.Enforcers = append(out.Enforcers, row)
		}
		all = append(all, out)
	}
	return all
}

// CallText returns what a call takes: "1.35 µs ± 2 ns", or a dash.
func (c *ComparedCell) CallText() string {
	if c.PerCall == nil {
		return "–"
	}
	return fmt.Sprintf("%s ± %s", text.Duration(*c.PerCall), text.Duration(1.96*c.Err))
}

// LossText returns the loss with its interval: "2.24 % (1.97 to 2.51)".
func (c *ComparedCell) LossText() string {
	if !c.CI.known() {
		return fixed(c.Loss) + " %"
	}
	return fmt.Sprintf("%s %% (%s)", fixed(c.Loss), intervalText(c.CI))
}

// RuleText returns what a rule adds to an operation of the test, or a dash.
func (e *ComparedEnforcer) RuleText() string {
	if e.Line == nil {
		return "–"
	}
	return slopeText(e.Line)
}

// sideBySide writes the comparison of enforcers.
func (m *markdown) sideBySide() {
	if len(m.SideBySide) == 0 {
		return
	}
	m.line("\n## Enforcers side by side")
	m.line("\nThe same tests with the same number of rules. A rule: what it adds to one operation of the test.")
	m.table("<Test", "<Enforcer", "Rules", "Loss (95 %)", "Explained", "<Hook", "A call (95 %)", "A rule (95 %)")
	for i := range m.SideBySide {
		s := &m.SideBySide[i]
		for j := range s.Enforcers {
			e := &s.Enforcers[j]
			rule := e.RuleText()
			for k := range e.Cells {
				c := &e.Cells[k]
				m.row(s.Label, e.Enforcer, fmt.Sprint(c.Rules), c.LossText(), fixedIfKnown(c.Explained),
					s.Hook, c.CallText(), rule)
				rule = ""
			}
		}
	}
}
