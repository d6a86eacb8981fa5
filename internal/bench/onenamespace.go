package bench

import (
	"context"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// OneNamespace is for scenarios that all run in the same mount namespaces, such as a container's. It puts one of them
// in force at a time; see Plan.OneStatePerScenario.
type OneNamespace struct {
	Own       Enforcer
	Scenarios []rundir.Scenario
	mntns     map[uint32]bool
}

// Switch puts the scenario with the given state in force.
func (e *OneNamespace) Switch(ctx context.Context, state rundir.State) error {
	for _, s := range e.Scenarios {
		if s.State != state || !s.NeedsReference() {
			continue
		}
		for ns := range e.mntns {
			if err := e.Own.Confine(ns, s); err != nil {
				return err
			}
		}
		return e.Own.Switch(ctx, rundir.Installed)
	}
	return e.Own.Switch(ctx, state)
}

// Confine remembers where the tests run.
func (e *OneNamespace) Confine(mntns uint32, _ rundir.Scenario) error {
	if e.mntns == nil {
		e.mntns = map[uint32]bool{}
	}
	e.mntns[mntns] = true
	return nil
}

// Forget calls Forget of the enforcer.
func (e *OneNamespace) Forget() { e.Own.Forget() }

// Close closes the enforcer.
func (e *OneNamespace) Close() error { return e.Own.Close() }
