package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/forecast"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// forecastResult is what forecast works out and prints.
type forecastResult struct {
	doc   forecast.Document
	model *forecast.Model
	top   int
}

func (f *forecastResult) warn(format string, args ...any) {
	f.doc.Warnings = append(f.doc.Warnings, fmt.Sprintf(format, args...))
}

// describe notes where the model and the calls come from, and what of the two does not go together.
func (f *forecastResult) describe(recording *profile.Document, run *rundir.Run, name string) {
	f.doc.Model, f.doc.Of = f.model.Document(), name
	if recording == nil {
		f.doc.Of, f.doc.ShareOf = f.model.Origin, "score"
	} else {
		f.doc.DurationNs = float64(recording.DurationNs)
	}
	if p := f.doc.Policy; p != nil && f.model.Enforcer != "" && p.Enforcer != f.model.Enforcer {
		f.warn("the policy is for %s, but the benchmark is of %s: their rules do not cost the same",
			text.Enforcer(p.Enforcer), strings.Replace(text.Enforcer(f.model.Enforcer), "reference",
				"the reference", 1))
	}
	if recording != nil && run != nil {
		was, is := run.Info.Machine, recording.Machine
		if is.Kernel != "" && (was.Kernel != is.Kernel || was.CPU != is.CPU) {
			f.warn("the benchmark ran on Linux %s (%s), the recording on Linux %s (%s): a rule may cost "+
				"another time there", was.Kernel, was.CPU, is.Kernel, is.CPU)
		}
	}
	if run != nil && run.Info.Machine.Emulated {
		f.warn("the benchmark ran in an emulator: its costs are those of the emulator")
	}
	var bent []string
	for _, l := range f.model.Lines {
		if l.Bent {
			bent = append(bent, l.Hook+" in "+l.Syscall)
		}
	}
	if len(bent) > 0 {
		f.warn("the cost of %s does not grow in a straight line: its intervals are wider", text.List(bent))
	}
}

// work forecasts all workloads. It fails if the model says nothing about any of them.
func (f *forecastResult) work(all []forecast.Workload, budget float64) error {
	want := f.doc.Rules
	recorded := f.doc.ShareOf == "cpu"
	merged := forecast.Merge(all)
	if recorded && f.model.Unknown(&merged) {
		return fmt.Errorf("%s says nothing about the programs of %s: benchmark the enforcer that was recorded",
			f.model.Origin, f.doc.Of)
	}
	for i := range all {
		f.doc.Workloads = append(f.doc.Workloads, f.model.Forecast(&all[i], want))
	}
	if recorded { // tests keep their order: programs first
		slices.SortStableFunc(f.doc.Workloads, func(a, b forecast.Forecast) int {
			return cmp.Compare(b.Then.Share, a.Then.Share)
		})
		total := f.model.Forecast(&merged, want)
		total.Hooks, total.Syscalls = []forecast.RowForecast{}, []forecast.SyscallPart{}
		f.doc.Total = &total
		f.judge(&total)
	}
	if budget > 0 {
		f.budgets(all, &merged, budget)
	}
	if p := f.doc.Policy; p != nil {
		f.missingHooks(p, &merged)
	}
	f.answer(budget)
	return nil
}

// budgets works out what the workloads with the most expensive hooks afford, and all of them together.
func (f *forecastResult) budgets(all []forecast.Workload, merged *forecast.Workload, budget float64) {
	most := len(all)
	if f.top > 0 {
		most = min(most, f.top)
	}
	if f.doc.ShareOf == "cpu" && len(all) > 1 {
		f.doc.Budgets = append(f.doc.Budgets, f.model.Budgets(merged, f.doc.Rules, budget)...)
	}
	for i := range all[:most] {
		f.doc.Budgets = append(f.doc.Budgets, f.model.Budgets(&all[i], f.doc.Rules, budget)...)
	}
}

// judge warns about what makes the total uncertain.
func (f *forecastResult) judge(total *forecast.Forecast) {
	if total.Unknown > 0.001 {
		f.warn("%s of today's time in hooks stays as it is: the model or the rules of its calls are unknown",
			text.Percent(total.Unknown))
	}
	if total.NewRules {
		f.warn("some calls would walk their first rule. What that costs depends on how deep their paths are, " +
			"which a recording without rules does not show: the intervals are wide. Record under one " +
			"rule to narrow them")
	}
}

// missingHooks names hooks of a policy that run no program yet, so that no recorded call has their cost.
func (f *forecastResult) missingHooks(p *forecast.DocumentPolicy, merged *forecast.Workload) {
	var missing []string
	for hook := range p.Hooks {
		if !slices.ContainsFunc(merged.Rows, func(r forecast.Row) bool { return r.Hook == hook }) {
			missing = append(missing, hook)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		f.warn("no program was recorded on %s: the forecast lacks what the policy would add there",
			text.List(missing))
	}
}

// answer writes the sentences above the tables.
func (f *forecastResult) answer(budget float64) {
	say := func(format string, args ...any) { f.doc.Answer = append(f.doc.Answer, fmt.Sprintf(format, args...)) }
	if p := f.doc.Policy; p != nil {
		verb := "loads"
		if strings.HasSuffix(p.Name, " policies") {
			verb = "load"
		}
		say("%s %s %s %s.", p.Kind, p.Name, verb, describeRules(p.Rules))
	}
	if f.doc.Rules != nil {
		what := "With " + f.doc.Rules.String()
		if f.doc.Policy != nil {
			what = "With this policy"
		}
		switch t := f.doc.Total; {
		case t != nil:
			say("%s hooks would take %s of one CPU instead of %s%s.", what, interval(&t.Then),
				text.Percent(t.Now.Share), extrapolatedNote(t.Extrapolated))
		case len(f.doc.Workloads) > 0:
			w := f.doc.Workloads[0]
			say("%s %s would lose %s to hooks instead of %s%s.", what, w.Workload, interval(&w.Then),
				text.Percent(w.Now.Share), extrapolatedNote(w.Extrapolated))
		}
	}
	if budget > 0 {
		for _, b := range f.doc.Budgets {
			if b.Kind != forecast.EachType {
				continue
			}
			of := "of one CPU"
			if f.doc.ShareOf == "score" {
				of = "of the score of " + b.Workload
			}
			say("%s %s %s.", text.Percent(budget), of, b)
			break
		}
	}
}

// interval formats a share with its interval.
func interval(a *forecast.Amount) string { return text.PercentInterval(a.Share, a.Of.Low, a.Of.High) }

func extrapolatedNote(yes bool) string {
	if yes {
		return " (extrapolated)"
	}
	return ""
}

// describeRules returns "7 file rules and 1 mount rule".
func describeRules(r forecast.Rules) string {
	var parts []string
	for _, kind := range rules.Kinds() {
		if n := r[kind]; n > 0 {
			parts = append(parts, text.Plural(n, strings.TrimSpace(kind+" rule")))
		}
	}
	if len(parts) == 0 {
		return "no rules"
	}
	return text.List(parts)
}
