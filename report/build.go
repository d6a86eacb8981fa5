package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/internal/text"
)

func newReport(run *rundir.Run) *Report {
	a, plan := run.Analyze(), &run.Info.Plan
	r := &Report{
		Schema: Schema, Title: title(run), Answer: []string{}, Baseline: plan.Scenarios[plan.Baseline()].Name,
		Scenarios: scenarios(run), Tests: []Test{}, Index: []Index{}, Hooks: []HookRow{}, PerRule: []PerRule{},
		How:      how(run),
		Warnings: slices.Concat([]string{}, run.Problems, run.Info.Warnings, a.Warnings), run: run,
		noise: a.Noise,
	}
	for _, x := range a.Index {
		r.Index = append(r.Index, Index(x))
	}
	rates := baselineRates(run)
	r.addTests(plan, &a)
	for _, t := range plan.Tests {
		for _, s := range plan.Scenarios {
			r.addHooks(run.Explained, rates[t.Name], t.Name, s.Name)
		}
	}
	for _, c := range a.PerRule {
		r.PerRule = append(r.PerRule, r.perRule(c))
	}
	labels := map[string]string{}
	for i := range r.Tests {
		labels[r.Tests[i].Name] = r.Tests[i].Label
	}
	r.SideBySide = sideBySide(run, &a, labels)
	r.addMissing(run)
	r.Answer = r.answer()
	return r
}

// title names the enforcers that the run is about.
func title(run *rundir.Run) string {
	if run.Info.Enforcer == "none" {
		return "What this machine can tell apart: identical scenarios, no enforcer"
	}
	var compared []string
	for _, s := range run.Info.Plan.Scenarios {
		if s.Compare != nil && !slices.Contains(compared, s.Compare.Enforcer) {
			compared = append(compared, s.Compare.Enforcer)
		}
	}
	if len(compared) > 1 {
		return fmt.Sprintf("What the enforcers %s cost", text.List(compared))
	}
	return fmt.Sprintf("What %s costs", text.List(subjects(run)))
}

// subjects returns the enforcers that scenarios differ by: those in force in some scenario but not in the baseline. If
// the run does not record them, it returns the enforcer that run.json names.
func subjects(run *rundir.Run) []string {
	plan := &run.Info.Plan
	baseline := run.Enforcers(plan.Scenarios[plan.Baseline()].Name)
	var names []string
	for _, s := range plan.Scenarios {
		for _, e := range run.Enforcers(s.Name) {
			inBaseline := slices.ContainsFunc(baseline,
				func(b rundir.Enforcer) bool { return b.Product == e.Product })
			if name := enforcerName(e.Product, e.Version); !inBaseline && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		names = []string{enforcerName(run.Info.Enforcer, "")}
	}
	return names
}

func enforcerName(product, version string) string {
	switch product {
	case "reference": // part of lsmprof: its version is lsmprof's
		return "the reference enforcer"
	case "", "unknown", "generic":
		return "the enforcer"
	}
	return strings.TrimSpace(product + " " + version)
}

func scenarios(run *rundir.Run) []Scenario {
	out := []Scenario{}
	plan := &run.Info.Plan
	for i, s := range plan.Scenarios {
		if s.SecondBaseline {
			continue
		}
		c := s.Rules
		if s.Expect != nil && c == (rundir.Scenario{}).Rules {
			c = s.Expect.Rules
		}
		known := Scenario{
			Name: s.Name, Baseline: i == plan.Baseline(), Confined: s.Confined,
			Rules: c.File + c.Exec + c.Net + c.Mount + c.Cap + c.Ptrace, ByType: map[string]int{},
			removed: s.State == rundir.Removed,
		}
		for _, kind := range rules.Kinds() {
			if n := *c.Named(kind); n > 0 {
				known.ByType[kind] = n
			}
		}
		for _, e := range run.Enforcers(s.Name) {
			known.Enforcers = append(known.Enforcers, Enforcer(e))
		}
		out = append(out, known)
	}
	return out
}

// baselineRates returns, by test, the mean rate of one copy in the baseline, in operations per second.
func baselineRates(run *rundir.Run) map[string]float64 {
	plan := &run.Info.Plan
	copies := map[string]float64{}
	for _, t := range plan.Tests {
		copies[t.Name] = float64(max(1, t.Copies))
	}
	all := map[string][]float64{}
	for i := range run.Results {
		if r := &run.Results[i]; r.Scenario == plan.Scenarios[plan.Baseline()].Name {
			all[r.Test] = append(all[r.Test], r.Rate()/copies[r.Test])
		}
	}
	out := map[string]float64{}
	for name, rates := range all {
		out[name] = stats.Mean(rates)
	}
	return out
}

func (r *Report) addTests(plan *rundir.Plan, a *rundir.Analysis) {
	cells := map[[2]string]*rundir.Cell{}
	for i := range a.Cells {
		cells[[2]string{a.Cells[i].Test, a.Cells[i].Scenario}] = &a.Cells[i]
	}
	scores := map[[2]string][]float64{}
	byName := map[string]rundir.Test{}
	for _, t := range plan.Tests {
		byName[t.Name] = t
	}
	for i := range r.run.Results {
		res := &r.run.Results[i]
		key := [2]string{res.Test, res.Scenario}
		scores[key] = append(scores[key], byName[res.Test].Score(res.Rate()))
	}
	for _, t := range plan.Tests {
		test := Test{
			Name: t.Name, Label: label(&t), Unit: t.Unit, Kind: string(t.Kind), Group: groupOf(&t),
			Cells: []Cell{},
		}
		base := cells[[2]string{t.Name, r.Baseline}]
		for _, n := range a.Noise {
			if ci := Interval(n.CI); n.Test == t.Name && ci.known() {
				test.Noise = &ci
			}
		}
		for _, s := range r.Scenarios {
			key := [2]string{t.Name, s.Name}
			found := cells[key]
			if found == nil || base == nil {
				continue
			}
			c := newCell(found)
			c.Baseline, c.Median = s.Baseline, stats.Median(scores[key])
			if c.Exposed != nil {
				exposed := *c.Exposed || test.Exposed != nil && *test.Exposed
				test.Exposed = &exposed
			}
			for _, x := range a.Index {
				if v, ok := x.PerTest[t.Base()]; ok && x.Scenario == s.Name &&
					x.Copies == max(1, t.Copies) {
					c.Index = &v
				}
			}
			test.Cells = append(test.Cells, c)
		}
		r.Tests = append(r.Tests, test)
	}
}

func (c *Cell) absurd() bool {
	return !c.Baseline && rundir.Absurd(c.Loss, c.CI.Low, c.CI.High, c.Rounds)
}

func (t *Test) cell(scenario string) *Cell {
	for i := range t.Cells {
		if t.Cells[i].Scenario == scenario {
			return &t.Cells[i]
		}
	}
	return nil
}

func (r *Report) test(name string) *Test {
	for i := range r.Tests {
		if r.Tests[i].Name == name {
			return &r.Tests[i]
		}
	}
	return nil
}
