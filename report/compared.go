package report

import (
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// compared is a row of "What was compared".
type compared struct {
	Name, What, Rules, InForce string
}

// Compared says what each scenario consists of.
func (v *view) Compared() []compared {
	var out []compared
	for i := range v.Scenarios {
		s := &v.Scenarios[i]
		c := compared{Name: s.Name, What: v.whatIs(s), Rules: rulesByType(s)}
		var all []string
		for _, e := range s.Enforcers {
			name := strings.TrimSpace(text.Enforcer(e.Product) + " " + e.Version)
			all = append(all, fmt.Sprintf("%s, %s", name, text.Plural(e.Programs, "program")))
		}
		c.InForce = strings.Join(all, "; ")
		out = append(out, c)
	}
	return out
}

func (v *view) whatIs(s *Scenario) string {
	what := ""
	switch {
	case v.How.Enforcer == "none":
		what = "no enforcer: the same as the others"
	case v.run != nil && scripted(v.run, s.Name):
		what = "set up by the commands of the scenario"
	case s.removed:
		what = "the enforcer is not installed"
	case !s.Confined:
		what = "the enforcer is attached, the tests have no policy"
	case s.Rules == 0:
		what = "the tests have a policy without rules"
	case v.How.Enforcer == "reference":
		what = "the tests have a policy, whose rules are walked and match nothing"
	default:
		what = "the tests have a policy"
	}
	if s.Baseline {
		what += "; all losses are against this"
	}
	return what
}

func scripted(run *rundir.Run, scenario string) bool {
	for i := range run.Info.Plan.Scenarios {
		if s := &run.Info.Plan.Scenarios[i]; s.Name == scenario {
			return s.Setup != nil
		}
	}
	return false
}

// rulesByType returns "41: 8 file, 8 exec, …", or a dash.
func rulesByType(s *Scenario) string {
	var parts []string
	for _, kind := range rules.Kinds() {
		if n := s.ByType[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if len(parts) == 0 {
		return none
	}
	return fmt.Sprintf("%d: %s", s.Rules, strings.Join(parts, ", "))
}
