package bench

import (
	"context"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Shared puts the scenarios of a separated plan in force, one after the other in the same namespaces.
type OneNamespace struct {
	Own       Enforcer
	Scenarios []rundir.Scenario
	mntns     map[uint32]bool
}

// Switch begins the scenario whose state it is.
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

// Confine notes where the tests run.
func (e *OneNamespace) Confine(mntns uint32, _ rundir.Scenario) error {
	if e.mntns == nil {
		e.mntns = map[uint32]bool{}
	}
	e.mntns[mntns] = true
	return nil
}

// Forget is that of the enforcer.
func (e *OneNamespace) Forget() { e.Own.Forget() }

// Close is that of the enforcer.
func (e *OneNamespace) Close() error { return e.Own.Close() }
