package report

import (
	"cmp"
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

func newCell(c *rundir.Cell) Cell {
	return Cell{
		Test: c.Test, Scenario: c.Scenario, Rounds: c.Rounds, Score: c.Score, Unit: c.Unit, CV: c.CV,
		Loss:     c.Loss,
		MeanLoss: c.MeanLoss, CI: Interval(c.CI), P: c.P, Adjusted: c.Adjusted, Significant: c.Significant,
		Detectable: c.Detectable, RoundsFor: c.RoundsFor, Busy: c.Busy, Exposed: c.Exposed,
		Explained: c.Explained,
		LeftOver:  c.LeftOver, Percent: 1 - c.Loss, Hooks: hookLosses(c),
	}
}

// hookLosses divides an explained loss among the hooks in proportion to their costs, the largest first.
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
	slices.SortFunc(out, func(a, b HookLoss) int {
		return cmp.Or(cmp.Compare(b.Loss, a.Loss), cmp.Compare(a.Hook, b.Hook))
	})
	return out
}

func (r *Report) addHooks(explained map[string]map[string]rundir.Explained, rate float64, test, scenario string) {
	e := explained[test][scenario]
	for _, row := range e.Rows {
		h := HookRow{
			Test: test, Scenario: scenario, Syscall: row.Syscall, Hook: row.Hook, Program: row.Program,
			Rules: row.Rules,
			Calls: row.Calls, HookNs: row.HookNs, Mean: row.Mean, Typical: row.Typical, Err: row.Err,
			P50: row.P50, P99: row.P99,
			Denials: row.Denials,
		}
		if rate > 0 {
			h.operation, h.allHooks = 1e9/rate+e.HookNs, e.HookNs
			share := row.HookNs / h.operation
			h.Share = &share
		}
		if s := e.Syscall(row.Syscall); s != nil {
			each, share := s.Ns/s.Calls, row.HookNs/s.Ns
			h.SyscallNs, h.SyscallShare, h.syscall = &each, &share, s.Ns
		}
		r.Hooks = append(r.Hooks, h)
	}
}

// extrapolateTo lists numbers of rules that are larger than most runs measure.
var extrapolateTo = [...]int{16, 32, 64}

func (r *Report) perRule(c rundir.RuleCost) PerRule {
	p := PerRule{
		Test: c.Test, Syscall: c.Syscall, Hook: c.Hook, Program: c.Program, At: []Extrapolated{},
		Line: Line{c.Line.Intercept, c.Line.Slope, Interval(c.Line.SlopeCI), c.Line.R2, c.Line.Bent},
	}
	for _, q := range c.Points {
		p.Points = append(p.Points, Point{X: q.X, Y: q.Y, Err: q.Err})
	}
	largest := c.Points[len(c.Points)-1].X
	for _, n := range extrapolateTo {
		if float64(n) > largest {
			p.At = append(p.At, Extrapolated{n, max(0, c.Line.Intercept+c.Line.Slope*float64(n))})
		}
	}
	for i := range r.Hooks {
		h := &r.Hooks[i]
		same := h.Test == c.Test && h.Syscall == c.Syscall && h.Hook == c.Hook && h.Program == c.Program
		if same && h.Rules > p.most && h.operation > 0 {
			loss := h.lossOfMore(c.Line.Slope * h.Calls)
			p.Loss, p.most, p.before = &loss, h.Rules, h.allHooks/h.operation
		}
	}
	return p
}

// lossOfMore returns the loss that ns more in the hooks of an operation add, in points of the baseline. An operation
// that takes t without hooks and h in them loses h/(t+h).
func (h *HookRow) lossOfMore(ns float64) float64 {
	before, after := h.allHooks/h.operation, (h.allHooks+ns)/(h.operation+ns)
	return after - before
}

// addMissing warns about missing rounds and profile runs, and about cells that vary too much for a figure.
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
			r.warn("%s has no round under %s", t.Name, text.List(missing))
		}
	}
	if len(tests) > 0 {
		r.warn("%s: no complete round", text.List(tests))
	}
	for _, t := range r.Tests {
		if len(t.Cells) > 0 && len(run.Explained) > 0 && run.Explained[t.Name] == nil {
			r.warn("%s has no profile run: its losses are not explained", t.Name)
		}
		for i := range t.Cells {
			if c := &t.Cells[i]; c.absurd() {
				r.warn("%s under %s scored %s times the baseline's score, and varies too much for "+
					"a figure: this machine cannot tell. "+
					"Quieten it and measure again", t.Name, c.Scenario, text.Number(c.Percent))
			}
		}
	}
	if r.How.RoundsMax == 1 {
		r.warn("there is only one round: no interval can be computed, and nothing can be significant")
	}
}

func (r *Report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// absurd reports whether a result is beyond what any enforcer does to a test: a score more than doubled, or an interval
// wider than the whole score.
func (c *Cell) absurd() bool {
	return !c.Baseline && (c.Loss < -1 || c.Rounds > 1 && c.CI.half() > 0.5)
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

func how(run *rundir.Run) How {
	i, plan := &run.Info, &run.Info.Plan
	h := How{
		Version: i.Version, Start: i.Start, Machine: Machine(i.Machine), Enforcer: i.Enforcer,
		Product: i.Product,
		Suite:   i.Suite, Order: plan.Order, Seed: plan.Seed, Runs: plan.Runs, SliceNs: int64(plan.Slice),
		WarmupNs: int64(plan.Warmup), PassNs: int64(plan.Pass), Container: plan.Container,
		Calibration: i.Calibration,
		Imported:    plan.Imported(), Commands: [][]string{},
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
