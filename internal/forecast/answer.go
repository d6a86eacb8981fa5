package forecast

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// Question is what to forecast, and from what.
type Question struct {
	Rules  Rules           // other numbers of rules; nil: those of Policy, or only a budget is asked for
	Policy *DocumentPolicy // that the rules are from; nil: none
	Budget float64         // a share of a CPU, or of the score of a test; 0: none is asked for
	Most   int             // workloads to work out budgets for, the most expensive first; 0: all

	Model     *Model
	Run       *rundir.Run       // that the model was fitted to; nil: it was fitted to the recording
	Recording *profile.Document // that the workloads are from; nil: they are the tests of Run
	Name      string            // of the recording, for sentences: "the recording lsmprof.pb.gz"
	Workloads []Workload
}

// Answer works out a forecast. It fails if the model says nothing about any of the workloads.
func (q *Question) Answer() (*Document, error) {
	a := &answer{q, &Document{
		Schema: Schema, Rules: q.Rules, Policy: q.Policy, ShareOf: "cpu",
		CommandLine: []string{}, Answer: []string{}, Workloads: []Forecast{}, Budgets: []Budget{},
		Warnings: []string{},
	}}
	if a.doc.Rules == nil && q.Policy != nil {
		a.doc.Rules = q.Policy.Rules
	}
	a.describe()
	if err := a.work(); err != nil {
		return nil, err
	}
	return a.doc, nil
}

// answer is a question with what is known of its answer.
type answer struct {
	*Question
	doc *Document
}

func (a *answer) warn(format string, args ...any) {
	a.doc.Warnings = append(a.doc.Warnings, fmt.Sprintf(format, args...))
}

// describe says where the model and the calls come from, and warns if they differ in enforcer, machine or kernel.
func (a *answer) describe() {
	recording, run := a.Recording, a.Run
	a.doc.Model, a.doc.Of = a.Model.Document(), a.Name
	if recording == nil {
		a.doc.Of, a.doc.ShareOf = a.Model.Origin, "score"
	} else {
		a.doc.DurationNs = float64(recording.DurationNs)
	}
	if p := a.doc.Policy; p != nil && a.Model.Enforcer != "" && p.Enforcer != a.Model.Enforcer {
		a.warn("the policy is for %s, but the benchmark is of %s: their rules do not cost the same",
			text.Enforcer(p.Enforcer), strings.Replace(text.Enforcer(a.Model.Enforcer), "reference",
				"the reference", 1))
	}
	if recording != nil && run != nil {
		was, is := run.Info.Machine, recording.Machine
		if is.Kernel != "" && (was.Kernel != is.Kernel || was.CPU != is.CPU) {
			a.warn("the benchmark ran on Linux %s (%s), the recording on Linux %s (%s): a rule may take "+
				"longer or shorter there", was.Kernel, was.CPU, is.Kernel, is.CPU)
		}
	}
	if run != nil && run.Info.Machine.Emulated {
		a.warn("the benchmark ran in an emulator: its costs are those of the emulator")
	}
	var bent []string
	for _, l := range a.Model.Lines {
		if l.Bent {
			bent = append(bent, l.Hook+" in "+l.Syscall)
		}
	}
	if len(bent) > 0 {
		a.warn("the cost of %s does not grow in a straight line: its intervals are wider", text.List(bent))
	}
}

// work forecasts all workloads. It fails if the model says nothing about any of them.
func (a *answer) work() error {
	want, all := a.doc.Rules, a.Workloads
	recorded := a.doc.ShareOf == "cpu"
	merged := Merge(all)
	if recorded && a.Model.Unknown(&merged) {
		return fmt.Errorf("%s says nothing about the programs of %s: benchmark the enforcer that was recorded",
			a.Model.Origin, a.doc.Of)
	}
	for i := range all {
		a.doc.Workloads = append(a.doc.Workloads, a.Model.Forecast(&all[i], want))
	}
	if recorded { // tests keep their order: programs first
		slices.SortStableFunc(a.doc.Workloads, func(a, b Forecast) int {
			return cmp.Compare(b.Then.Share, a.Then.Share)
		})
		total := a.Model.Forecast(&merged, want)
		total.Hooks, total.Syscalls = []RowForecast{}, []SyscallPart{}
		a.doc.Total = &total
		a.judge(&total)
	}
	if a.Budget > 0 {
		a.budgets(&merged)
	}
	if p := a.doc.Policy; p != nil {
		a.missingHooks(p, &merged)
	}
	a.say()
	return nil
}

// budgets works out what the workloads with the most expensive hooks afford, and all of them together.
func (a *answer) budgets(merged *Workload) {
	all, most := a.Workloads, len(a.Workloads)
	if a.Most > 0 {
		most = min(most, a.Most)
	}
	if a.doc.ShareOf == "cpu" && len(all) > 1 {
		a.doc.Budgets = append(a.doc.Budgets, a.Model.Budgets(merged, a.doc.Rules, a.Budget)...)
	}
	for i := range all[:most] {
		a.doc.Budgets = append(a.doc.Budgets, a.Model.Budgets(&all[i], a.doc.Rules, a.Budget)...)
	}
}

// judge warns about what makes the total uncertain.
func (a *answer) judge(total *Forecast) {
	if total.Unknown > 0.001 {
		a.warn("%s of today's time in hooks stays as it is: the model or the rules of its calls are unknown",
			text.Percent(total.Unknown))
	}
	if cpus := a.Recording.Machine.CPUs; cpus > 0 && total.Then.Share > float64(cpus) {
		a.warn("hooks would take more than %s, all that the machine has: it would make fewer calls per "+
			"second, each as expensive as forecast", text.Plural(cpus, "CPU"))
	}
	if total.NewRules {
		a.warn("some calls would walk their first rule. What that costs depends on how deep their paths are, " +
			"which a recording without rules does not show: the intervals are wide. Record under one " +
			"rule to narrow them")
	}
}

// missingHooks names hooks of a policy that run no program yet, so that no recorded call has their cost.
func (a *answer) missingHooks(p *DocumentPolicy, merged *Workload) {
	var missing []string
	for hook := range p.Hooks {
		if !slices.ContainsFunc(merged.Rows, func(r Row) bool { return r.Hook == hook }) {
			missing = append(missing, hook)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		a.warn("no program was recorded on %s: the forecast lacks what the policy would add there",
			text.List(missing))
	}
}

// say writes the sentences above the tables.
func (a *answer) say() {
	say := func(format string, args ...any) { a.doc.Answer = append(a.doc.Answer, fmt.Sprintf(format, args...)) }
	if p := a.doc.Policy; p != nil {
		verb := "loads"
		if strings.HasSuffix(p.Name, " policies") {
			verb = "load"
		}
		say("%s %s %s %s.", p.Kind, p.Name, verb, describeRules(p.Rules))
	}
	if a.doc.Rules != nil {
		what := "With " + a.doc.Rules.String()
		if a.doc.Policy != nil {
			what = "With this policy"
		}
		switch t := a.doc.Total; {
		case t != nil:
			say("%s hooks would take %s of one CPU instead of %s%s.", what, interval(&t.Then),
				text.Percent(t.Now.Share), extrapolatedNote(t.Extrapolated))
		case len(a.doc.Workloads) > 0:
			w := a.doc.Workloads[0]
			say("%s %s would lose %s to hooks instead of %s%s.", what, w.Workload, interval(&w.Then),
				text.Percent(w.Now.Share), extrapolatedNote(w.Extrapolated))
		}
	}
	if a.Budget > 0 {
		for _, b := range a.doc.Budgets {
			if b.Kind != EachType {
				continue
			}
			of := "of one CPU"
			if a.doc.ShareOf == "score" {
				of = "of the score of " + b.Workload
			}
			say("%s %s %s.", text.Percent(a.Budget), of, b)
			break
		}
	}
}

// interval formats a share with its interval.
func interval(a *Amount) string { return text.PercentInterval(a.Share, a.Of.Low, a.Of.High) }

func extrapolatedNote(yes bool) string {
	if yes {
		return " (extrapolated)"
	}
	return ""
}

// describeRules returns "7 file rules and 1 mount rule".
func describeRules(r Rules) string {
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
