package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// New works out what a run says.
func New(run *rundir.Run) *Report {
	a, plan := run.Analyze(), &run.Info.Plan
	r := &Report{
		Schema: Schema, Title: title(run), Answer: []string{}, Baseline: plan.Scenarios[plan.Baseline()].Name, Scenarios: scenarios(plan),
		Tests: []Test{}, Index: a.Index, Hooks: []HookRow{}, PerRule: []PerRule{}, How: how(run), rounds: run.Results,
		Warnings: slices.Concat([]string{}, run.Problems, run.Info.Warnings, a.Warnings),
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
	r.addMissing(run)
	r.heat = r.heatOf(r.heaviest())
	r.Answer = r.answer()
	return r
}

func title(run *rundir.Run) string {
	name := run.Info.Enforcer
	switch name {
	case "reference":
		name = "the reference enforcer"
	case "none":
		return "What this machine can tell apart: identical scenarios, no enforcer"
	case "", "unknown":
		name = "the enforcer"
	}
	return fmt.Sprintf("What %s costs", name)
}

func scenarios(plan *rundir.Plan) []Scenario {
	out := []Scenario{}
	for i, s := range plan.Scenarios {
		if s.SecondBaseline {
			continue
		}
		c := s.Rules
		if s.Expect != nil && c == (rundir.Scenario{}).Rules {
			c = s.Expect.Rules
		}
		out = append(out, Scenario{s.Name, i == plan.Baseline(), s.Confined, c.File + c.Exec + c.Net + c.Mount + c.Cap + c.Ptrace})
	}
	return out
}

// baselineRates are the mean rates of one copy in the baseline, by test.
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
	for i := range r.rounds {
		res := &r.rounds[i]
		key := [2]string{res.Test, res.Scenario}
		scores[key] = append(scores[key], byName[res.Test].Score(res.Rate()))
	}
	for _, t := range plan.Tests {
		test := Test{Name: t.Name, Label: label(&t), Unit: t.Unit, Kind: string(t.Kind), Cells: []Cell{}}
		base := cells[[2]string{t.Name, r.Baseline}]
		for _, n := range a.Noise {
			if n.Test == t.Name && n.CI.Half() < 1 {
				test.Noise = &stats.Interval{Low: n.CI.Low, High: n.CI.High}
			}
		}
		for _, s := range r.Scenarios {
			key := [2]string{t.Name, s.Name}
			known := cells[key]
			if known == nil || base == nil {
				continue
			}
			c := Cell{Cell: *known, Baseline: s.Baseline, Median: stats.Median(scores[key]), Percent: known.Score / base.Score, Hooks: hookLosses(known)}
			c.Profile = nil // its rows are in Report.Hooks
			if c.Exposed != nil {
				exposed := *c.Exposed || test.Exposed != nil && *test.Exposed
				test.Exposed = &exposed
			}
			for _, x := range a.Index {
				if v, ok := x.PerTest[t.Base()]; ok && x.Scenario == s.Name && x.Copies == max(1, t.Copies) {
					c.Index = &v
				}
			}
			test.Cells = append(test.Cells, c)
		}
		r.Tests = append(r.Tests, test)
	}
}

// label is a test's name for people. That tests are built-in stands beside their scores, not in every name.
func label(t *rundir.Test) string {
	return cmp.Or(strings.TrimSuffix(t.Label, " (built-in)"), t.Name)
}

// hookLosses splits an explained loss by what the hooks cost, the largest first.
func hookLosses(c *rundir.Cell) []HookLoss {
	out := []HookLoss{}
	if c.Profile == nil || c.Explained == nil || c.Profile.HookNs == 0 {
		return out
	}
	byHook := map[string]float64{}
	for _, row := range c.Profile.Rows {
		byHook[row.Hook] += row.HookNs
	}
	for hook, ns := range byHook {
		out = append(out, HookLoss{hook, *c.Explained * ns / c.Profile.HookNs})
	}
	slices.SortFunc(out, func(a, b HookLoss) int { return cmp.Or(cmp.Compare(b.Loss, a.Loss), cmp.Compare(a.Hook, b.Hook)) })
	return out
}

func (r *Report) addHooks(explained map[string]map[string]rundir.Explained, rate float64, test, scenario string) {
	e := explained[test][scenario]
	for _, row := range e.Rows {
		h := HookRow{Test: test, Scenario: scenario, ExplainedRow: row}
		if rate > 0 {
			share := row.HookNs / (1e9/rate + e.HookNs)
			h.Share, h.operation = &share, 1e9/rate+e.HookNs
		}
		if s := e.Syscall(row.Syscall); s != nil {
			each, share := s.Ns/s.Calls, row.HookNs/s.Ns
			h.SyscallNs, h.SyscallShare, h.syscall = &each, &share, s.Ns
		}
		r.Hooks = append(r.Hooks, h)
	}
}

// extrapolateTo are numbers of rules that are larger than most measure.
var extrapolateTo = [...]int{16, 32, 64}

func (r *Report) perRule(c rundir.RuleCost) PerRule {
	p := PerRule{RuleCost: c, At: []Extrapolated{}}
	largest := c.Points[len(c.Points)-1].X
	for _, n := range extrapolateTo {
		if float64(n) > largest {
			p.At = append(p.At, Extrapolated{n, max(0, c.Line.Intercept+c.Line.Slope*float64(n))})
		}
	}
	most := 0
	for _, h := range r.Hooks { // one more than the most that was measured
		if h.Test == c.Test && h.Syscall == c.Syscall && h.Hook == c.Hook && h.Program == c.Program && h.Rules > most && h.operation > 0 {
			more := c.Line.Slope * h.Calls
			loss := more / (h.operation + more)
			p.Loss, most = &loss, h.Rules
		}
	}
	return p
}

// addMissing says what a reader would look for in vain.
func (r *Report) addMissing(run *rundir.Run) {
	var tests []string
	for _, t := range r.Tests {
		missing := []string{}
		if len(t.Cells) == 0 {
			tests = append(tests, t.Name)
			continue
		}
		for _, s := range r.Scenarios {
			if t.cell(s.Name) == nil {
				missing = append(missing, s.Name)
			}
		}
		if len(missing) > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s has no round under %s", t.Name, strings.Join(missing, ", ")))
		}
	}
	if len(tests) > 0 {
		r.Warnings = append(r.Warnings, "no round is complete of "+strings.Join(tests, ", "))
	}
	for _, t := range r.Tests {
		if len(t.Cells) > 0 && len(run.Explained) > 0 && run.Explained[t.Name] == nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s has no profile run: nothing is explained of it", t.Name))
		}
	}
	if r.How.RoundsMax == 1 {
		r.Warnings = append(r.Warnings, "one round only: there are no intervals, and nothing can be significant")
	}
}

func (t *Test) cell(scenario string) *Cell {
	for i := range t.Cells {
		if t.Cells[i].Scenario == scenario {
			return &t.Cells[i]
		}
	}
	return nil
}

func how(run *rundir.Run) How {
	i, plan := &run.Info, &run.Info.Plan
	h := How{
		Version: i.Version, Start: i.Start, Machine: i.Machine, Enforcer: i.Enforcer, Product: i.Product, Suite: i.Suite,
		Order: plan.Order, Seed: plan.Seed, Runs: plan.Runs, SliceNs: int64(plan.Slice), WarmupNs: int64(plan.Warmup), PassNs: int64(plan.Pass), Container: plan.Container,
		Calibration: i.Calibration, Imported: plan.Imported(), Commands: [][]string{},
	}
	h.Machine.Mitigations = slices.Concat([]string{}, h.Machine.Mitigations)
	h.Machine.LSMs = slices.Concat([]string{}, h.Machine.LSMs)
	if len(i.CommandLine) > 0 {
		h.Commands = append(h.Commands, i.CommandLine)
	}
	rounds := map[[2]string]int{}
	for _, r := range run.Results {
		rounds[[2]string{r.Test, r.Scenario}]++
	}
	for _, n := range rounds {
		h.RoundsMax = max(h.RoundsMax, n)
		if h.RoundsMin == 0 || n < h.RoundsMin {
			h.RoundsMin = n
		}
	}
	for _, cells := range run.Explained {
		for _, e := range cells {
			if e.Exposed() && (h.Completeness == nil || e.Completeness < *h.Completeness) {
				h.Completeness = &e.Completeness
			}
		}
	}
	return h
}

// heaviest is the scenario whose hooks cost the most, over all tests; of those without hooks, the last.
func (r *Report) heaviest() string {
	cost := map[string]float64{}
	for _, h := range r.Hooks {
		if h.Share != nil {
			cost[h.Scenario] += *h.Share
		}
	}
	best := r.Scenarios[len(r.Scenarios)-1].Name
	for _, s := range r.Scenarios {
		if cost[s.Name] > cost[best] {
			best = s.Name
		}
	}
	return best
}
