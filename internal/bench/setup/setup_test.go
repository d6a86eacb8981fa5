package setup

import (
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/tracer"
)

// varmor is a reading of a machine with vArmor on two hooks.
var varmor = inforce.Reading{Enforcers: []inforce.Enforcer{{
	Name: "varmor", Version: "v0.10.3",
	Programs: []tracer.Program{
		{ID: 1, Hook: "path_rename"},
		{ID: 2, Hook: "file_open"},
		{ID: 3, Hook: "file_open"},
	},
}}}

func scripts() *rundir.Plan {
	return &rundir.Plan{Scenarios: rundir.WithSecondBaseline([]rundir.Scenario{
		{Name: "without", State: rundir.Removed},
		{Name: "policy", State: "scenario policy", Setup: &rundir.Step{Run: "true"}},
	})}
}

func references() *rundir.Plan {
	return &rundir.Plan{Scenarios: rundir.ReferenceScenarios([]rules.Rules{{File: 1}}, []string{"1"})}
}

// The hooks of a run are those of the enforcer that it is about.
func TestHooks(t *testing.T) {
	for _, test := range []struct {
		name    string
		setup   Setup
		now     inforce.Reading
		has     string // a hook; empty: none is known
		number  int
		subject string
	}{
		{
			"reference",
			Setup{Plan: references(), Enforcer: "reference"},
			varmor, "bprm_check_security", 12,
			"reference",
		},
		{
			"scripts, vArmor attached",
			Setup{Plan: scripts(), Enforcer: "reference"},
			varmor, "path_rename", 2,
			"unknown",
		},
		{
			"scripts, nothing attached",
			Setup{Plan: scripts(), Enforcer: "reference"},
			inforce.Reading{},
			"", 0,
			"unknown",
		},
		{
			"none",
			Setup{Plan: &rundir.Plan{Scenarios: rundir.SameScenarios(2)}, Enforcer: NoEnforcer},
			varmor,
			"", 0, "none",
		},
	} {
		hooks, err := test.setup.Hooks(test.now)
		if err != nil || len(hooks) != test.number || test.has != "" && !slices.Contains(hooks, test.has) {
			t.Errorf("%s: hooks %q, %v, want %d with %s", test.name, hooks, err, test.number, test.has)
		}
		if got := test.setup.Subject(); got != test.subject {
			t.Errorf("%s: the run is about %q, want %q", test.name, got, test.subject)
		}
	}
}

func TestAttached(t *testing.T) {
	if got := Attached(varmor); got != "varmor v0.10.3 (3 programs)" {
		t.Errorf("%q", got)
	}
	if got := Attached(inforce.Reading{}); got != "" {
		t.Errorf("%q without an enforcer", got)
	}
}

// Only the reference enforcer's programs are profiled, unless commands set up the enforcer.
func TestSelects(t *testing.T) {
	varmor, reference := tracer.Program{Name: "varmor_file_open"}, tracer.Program{Name: "ref_file_open"}
	s := Setup{Plan: references(), Registry: inforce.New(nil)}
	if s.Selects(varmor) || !s.Selects(reference) {
		t.Error("other programs than those of the reference enforcer are profiled")
	}
	s.Plan = scripts()
	if !s.Selects(varmor) || !s.Selects(reference) {
		t.Error("not all programs are profiled")
	}
	s.Selection.Programs = []string{"varmor_*"}
	if !s.Selects(varmor) || s.Selects(reference) {
		t.Error("programs that are not selected are profiled")
	}
}

func TestScoresOfTwoMachinesAreNotMixed(t *testing.T) {
	if err := Continues(rundir.Machine{Kernel: "4.4", CPU: "another CPU"}); err == nil {
		t.Error("a run of another machine can be continued")
	}
}
