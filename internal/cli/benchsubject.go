package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// scripted reports whether commands put some scenarios of a plan in force.
func scripted(plan *rundir.Plan) bool {
	return slices.ContainsFunc(plan.Scenarios, func(s rundir.Scenario) bool { return s.Setup != nil })
}

// subject returns a line that says what a bench measures, and which enforcers are attached besides.
func (o *benchOptions) subject(plan *rundir.Plan, name string, now inforce.Reading) string {
	attached := attachedText(now)
	switch {
	case name == "none":
		return "measuring identical scenarios, which show what this machine can tell apart" + besides(attached)
	case scripted(plan) && attached == "":
		return "measuring the enforcer that the commands of the scenarios set up; none is attached now"
	case scripted(plan):
		return "measuring the enforcer that the commands of the scenarios set up; attached now: " + attached
	}
	return "measuring the reference enforcer of lsmprof, a stand-in. To measure another one, describe its " +
		"scenarios in a file for " +
		"--scenarios" + besides(attached)
}

func besides(attached string) string {
	if attached == "" {
		return ""
	}
	return ". Attached in every scenario, the baseline included: " + attached
}

// attachedText lists the attached enforcers: "varmor v0.10.3 (14 programs), generic:acme (1 program)".
func attachedText(now inforce.Reading) string {
	var all []string
	for _, e := range now.Enforcers {
		all = append(all, fmt.Sprintf("%s (%s)", strings.TrimSpace(e.Name+" "+e.Version),
			text.Plural(len(e.Programs), "program")))
	}
	return strings.Join(all, ", ")
}

// subjectHooks returns the hooks of the enforcer that a bench measures. It is empty if that is not known before the
// run.
func subjectHooks(plan *rundir.Plan, now inforce.Reading) ([]string, error) {
	switch {
	case slices.ContainsFunc(plan.Scenarios, rundir.Scenario.NeedsReference):
		return reference.Hooks()
	case !scripted(plan):
		return nil, nil
	}
	var hooks []string
	for _, e := range now.Enforcers {
		for _, p := range e.Programs {
			hooks = append(hooks, p.Hook)
		}
	}
	slices.Sort(hooks)
	return slices.Compact(hooks), nil
}

// checkReference fails if another lsmprof has attached the reference enforcer: no scenario would be what its name says.
func checkReference(plan *rundir.Plan, now inforce.Reading) error {
	found, attached := now.Find(enforcer.Reference.Name)
	own := slices.ContainsFunc(plan.Scenarios, func(s rundir.Scenario) bool { return s.Setup == nil })
	if !attached || !own {
		return nil
	}
	holder := ""
	if holders, err := lsm.Holders(); err == nil {
		for _, h := range holders[found.Programs[0].ID] {
			if h.PID != os.Getpid() {
				holder = fmt.Sprintf(" (%s, process %d)", text.Printable(h.Comm), h.PID)
			}
		}
	}
	return fmt.Errorf("%s of the reference enforcer are attached already; end the lsmprof that attached them%s",
		text.Plural(len(found.Programs), "program"), holder)
}
