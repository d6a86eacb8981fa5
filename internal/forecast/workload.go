package forecast

import (
	"cmp"
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/profile"
)

// Workload holds the calls of hooks that a workload, or one operation of a test, made.
type Workload struct {
	Name string
	Rows []Row
	// Time is the duration of a recording in ns, or what an operation of a test takes without hooks.
	Time float64
	// Test: the workload is a test of a benchmark, which does nothing else. Its share is the loss of score.
	Test bool
	// Program: the test is a program, as UnixBench's are, and not a loop around a single call.
	Program bool
}

// Row is what one program cost a workload in one syscall under one number of rules.
type Row struct {
	Syscall, Hook, Program, Enforcer string

	Rules  int // in force; [profile.RulesUnknown]
	Calls  float64
	Mean   float64 // of a call, ns
	Err    float64 // standard error of Mean, ns
	Level  float64 // error that all rows share: that of the calibration, ns
	Denied float64 // share of the calls
}

func (r *Row) place() place { return place{r.Program, r.Hook, r.Syscall} }

// Share returns the share of time that hooks of ns take: of one CPU, or of an operation of a test.
func (w *Workload) Share(ns float64) float64 {
	switch {
	case w.Time <= 0:
		return 0
	case w.Test:
		return ns / (w.Time + ns)
	}
	return ns / w.Time
}

// allows returns how much time hooks may take for a share.
func (w *Workload) allows(share float64) float64 {
	if w.Test {
		return w.Time * share / (1 - share)
	}
	return w.Time * share
}

// OfTests returns one operation of each test of a benchmark that reaches a hook with rules. Programs come first.
func OfTests(run *rundir.Run) (out []Workload) {
	for _, t := range run.Info.Plan.Tests {
		if w, ok := ofTest(run, t.Name); ok {
			out = append(out, w)
		}
	}
	slices.SortStableFunc(out, func(a, b Workload) int {
		switch {
		case a.Program == b.Program:
			return 0
		case a.Program:
			return -1
		}
		return 1
	})
	return out
}

// ofTest returns the calls of a test as a benchmark profiled them under the scenario with the most rules. It returns
// false if the test has no such profile, or reaches no hook.
func ofTest(run *rundir.Run, test string) (Workload, bool) {
	most, scenario := 0, ""
	for _, s := range run.Info.Plan.Scenarios {
		if n := s.Rules.Sum(); s.Confined && n > most && run.Explained[test][s.Name].Exposed() {
			most, scenario = n, s.Name
		}
	}
	if scenario == "" {
		return Workload{}, false
	}
	return OfCell(run, test, scenario)
}

// OfCell returns one operation of a test under a scenario. It returns false if the cell was not profiled, or if the
// baseline of the test has no score.
func OfCell(run *rundir.Run, test, scenario string) (Workload, bool) {
	e, ok := run.Explained[test][scenario]
	plan := &run.Info.Plan
	t := slices.IndexFunc(plan.Tests, func(t rundir.Test) bool { return t.Name == test })
	if !ok || t < 0 {
		return Workload{}, false
	}
	var rates []float64
	for i := range run.Results {
		if r := &run.Results[i]; r.Test == test && plan.IsBaseline(r.Scenario) {
			rates = append(rates, r.Rate()/float64(max(1, plan.Tests[t].Copies)))
		}
	}
	rate := stats.Median(rates)
	if !(rate > 0) {
		return Workload{}, false
	}
	w := Workload{Name: test, Time: 1e9 / rate, Test: true, Program: plan.Tests[t].Baseline > 0 ||
		!plan.Tests[t].Sliced()}
	for _, r := range e.Rows {
		w.Rows = append(w.Rows, Row{
			Syscall: r.Syscall, Hook: r.Hook, Program: r.Program, Enforcer: run.Info.Enforcer,
			Rules: r.Rules,
			Calls: r.Calls, Mean: r.Mean, Err: r.Err,
		})
	}
	return w, true
}

// Merge returns all workloads of a recording as one.
func Merge(all []Workload) Workload {
	out := Workload{Name: "all workloads"}
	for i := range all {
		out.Time, out.Test = all[i].Time, all[i].Test
		out.Rows = append(out.Rows, all[i].Rows...)
	}
	return out
}

// OfRecording returns the workloads of a recording, the most expensive first.
func OfRecording(doc *profile.Document) []Workload {
	byName := map[string]*Workload{}
	level := 0.0
	if c := doc.Calibration; c != nil && c.Applies() {
		level = math.Hypot(c.Bias.Spread, c.Dispatch.Spread) / quartilesToSigma
	}
	for i := range doc.Rows {
		r := &doc.Rows[i]
		if r.Calls == 0 {
			continue
		}
		w := byName[r.Workload]
		if w == nil {
			w = &Workload{Name: r.Workload, Time: float64(doc.DurationNs)}
			byName[r.Workload] = w
		}
		row := Row{
			Syscall: r.Syscall, Hook: r.Hook, Program: r.Program, Enforcer: r.Enforcer,
			Rules: profile.RulesUnknown, Calls: float64(r.Calls), Mean: r.MeanNs, Level: level,
			Denied: min(1, float64(r.Denials)/float64(r.Calls)),
		}
		if r.Rules != nil {
			row.Rules = *r.Rules
		}
		row.Err = errorOf(r)
		w.Rows = append(w.Rows, row)
	}
	out := make([]Workload, 0, len(byName))
	for _, w := range byName {
		out = append(out, *w)
	}
	slices.SortFunc(out, func(a, b Workload) int {
		return cmp.Or(cmp.Compare(b.Hooks(), a.Hooks()), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Quartiles of a normal distribution lie 1.349 standard deviations apart, median and 99th percentile 2.326.
const quartilesToSigma, medianToP99 = 1.349, 2.326

// errorOf returns the standard error of the mean of a row, from how far its 99th percentile is from its median. Without
// quantiles calls are taken to vary as much as they cost.
func errorOf(r *profile.DocumentRow) float64 {
	sigma := r.MeanNs
	if r.P50Ns > 0 {
		sigma = max((r.P99Ns-r.P50Ns)/medianToP99, r.MeanNs-r.P50Ns, 0)
	}
	return sigma / math.Sqrt(float64(max(1, min(r.Seen, r.Calls))))
}

// Hooks returns the hook cost of all rows in ns.
func (w *Workload) Hooks() (ns float64) {
	for i := range w.Rows {
		ns += w.Rows[i].Calls * w.Rows[i].Mean
	}
	return ns
}
