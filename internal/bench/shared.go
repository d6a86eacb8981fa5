package bench

import (
	"context"
)

// Shared puts the scenarios of a separated plan in force, one after the other in the same namespaces.
type Shared struct {
	Own       Enforcer
	Scenarios []Scenario
	mntns     map[uint32]bool
}

// Switch begins the scenario whose state it is.
func (e *Shared) Switch(ctx context.Context, state State) error {
	for _, s := range e.Scenarios {
		if s.State != state || !s.Ours() {
			continue
		}
		for ns := range e.mntns {
			if err := e.Own.Confine(ns, s); err != nil {
				return err
			}
		}
		return e.Own.Switch(ctx, Installed)
	}
	return e.Own.Switch(ctx, state)
}

// Confine notes where the tests run.
func (e *Shared) Confine(mntns uint32, _ Scenario) error {
	if e.mntns == nil {
		e.mntns = map[uint32]bool{}
	}
	e.mntns[mntns] = true
	return nil
}

// Forget is that of the enforcer.
func (e *Shared) Forget() { e.Own.Forget() }

// Close is that of the enforcer.
func (e *Shared) Close() error { return e.Own.Close() }
