package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/forecast"
	"github.com/lsmprof/lsmprof/internal/text"
)

// rules compares the first rule with further ones, for the hook whose rules take most from the headline's test.
func (s *summary) rules() string {
	p := s.steepest()
	if p == nil {
		return "What a rule costs is unknown: that takes profile runs with three different numbers of rules."
	}
	further := slopeText(&p.Line)
	where := fmt.Sprintf("to each %s (hook %s)", p.Syscall, p.Hook)
	out := fmt.Sprintf("Each rule adds %s %s", further, where)
	if none, ok := s.withoutRules(p); ok {
		first := p.Line.Intercept + p.Line.Slope - none
		if first > 2*p.Line.Slope {
			out = fmt.Sprintf("The first rule is the expensive one: it adds %s %s; each further rule "+
				"adds %s", text.Duration(first), where, further)
		} else if first > 0 {
			out += ", the first as much as any other"
		}
	}
	if p.Line.Bent {
		out += "; the cost does not grow in a straight line, so this is approximate"
	}
	return out + "."
}

func (s *summary) steepest() *PerRule {
	var best *PerRule
	rank := func(p *PerRule) (group int, loss float64) {
		if t := s.test(p.Test); t != nil && t.Group == GroupProgram {
			group = 1
		}
		return group, *p.Loss
	}
	for i := range s.PerRule {
		p := &s.PerRule[i]
		if p.Loss == nil || p.Line.SlopeCI.Low <= 0 {
			continue
		}
		if best != nil {
			group, loss := rank(p)
			bestGroup, bestLoss := rank(best)
			if cmp.Or(cmp.Compare(group, bestGroup), cmp.Compare(loss, bestLoss)) <= 0 {
				continue
			}
		}
		best = p
	}
	return best
}

// withoutRules returns the cost of a call of the same hook under a policy without rules.
func (s *summary) withoutRules(p *PerRule) (float64, bool) {
	for i := range s.Hooks {
		h := &s.Hooks[i]
		same := h.Test == p.Test && h.Syscall == p.Syscall && h.Hook == p.Hook && h.Program == p.Program
		confined := slices.ContainsFunc(s.Scenarios, func(sc Scenario) bool {
			return sc.Name == h.Scenario &&
				sc.Confined
		})
		if same && confined && h.Rules == 0 {
			return cmp.Or(h.Typical, h.Mean), true
		}
	}
	return 0, false
}

// budget says how many rules two and five per cent buy.
func (s *summary) budget() string {
	t := s.affected()
	if t == nil {
		return "Budget: any number of rules; no program of the enforcer runs in the tests that do what " +
			"programs do."
	}
	if s.run == nil {
		return "Budget: unknown."
	}
	var parts []string
	for _, share := range []float64{0.02, 0.05} {
		b, err := forecast.OfTest(s.run, t.Name, forecast.EachType, share)
		if err != nil {
			return fmt.Sprintf("Budget: unknown; %v.", err)
		}
		parts = append(parts, fmt.Sprintf("%.0f %% %s", 100*share, b))
	}
	return fmt.Sprintf("Budget for %s: %s; %s.", s.wordsOf(t).noun, parts[0], parts[1])
}

// affected returns the program whose hooks explain the largest loss; of the single calls if there are no programs; nil
// if the enforcer runs in no program.
func (s *summary) affected() *Test {
	var best *Test
	var most float64
	for _, group := range []string{GroupProgram, GroupCall} {
		found := false
		for _, c := range s.cells() {
			t := s.test(c.Test)
			if t.Group != group {
				continue
			}
			found = true
			if c.Explained == nil || c.Exposed == nil || *c.Exposed {
				if loss := explainedOr(c); best == nil || loss > most {
					best, most = t, loss
				}
			}
		}
		if found {
			break
		}
	}
	return best
}

func explainedOr(c *Cell) float64 {
	if c.Explained != nil {
		return *c.Explained
	}
	return c.Loss
}
