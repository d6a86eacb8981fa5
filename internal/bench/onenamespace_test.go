package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// recorder records the calls of its methods.
type recorder struct {
	NoEnforcer
	all []string
}

func (e *recorder) Switch(_ context.Context, s rundir.State) error {
	e.all = append(e.all, string(s))
	return nil
}

func (e *recorder) Confine(mntns uint32, s rundir.Scenario) error {
	e.all = append(e.all, fmt.Sprint(mntns, " ", s.Name))
	return nil
}

func TestScenariosOfOneNamespaceTakeTurns(t *testing.T) {
	p := rundir.Plan{Scenarios: rundir.ReferenceScenarios([]enforcer.Rules{{File: 1}, {File: 8}},
		[]string{"1", "8"})}
	p.OneStatePerScenario()
	states := map[rundir.State]bool{}
	for _, s := range p.Scenarios[1 : len(p.Scenarios)-1] {
		if states[s.State] || !s.NeedsReference() {
			t.Errorf("%s shares its state %q", s.Name, s.State)
		}
		states[s.State] = true
	}
	own := &recorder{}
	e := &OneNamespace{Own: own, Scenarios: p.Scenarios}
	for _, s := range p.Scenarios {
		if err := e.Confine(7, s); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{4, 0, 1} {
		if err := e.Switch(t.Context(), p.Scenarios[i].State); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"7 rules=8", "installed", "not installed", "7 no-policy", "installed"}
	if !slices.Equal(own.all, want) {
		t.Errorf("%q, want %q", own.all, want)
	}
}
