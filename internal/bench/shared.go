package bench

import (
	"context"
	"strings"
)

// Separate gives each scenario of the reference enforcer a state of its own. It is for tests that all run in one mount namespace,
// a container's: one scenario at a time can be in force there.
func (p *Plan) Separate() {
	for i := range p.Scenarios {
		if s := &p.Scenarios[i]; s.State == Installed {
			s.State = Installed + State(": "+s.Name)
		}
	}
}

// Ours says whether a scenario needs the reference enforcer attached.
func (s Scenario) Ours() bool {
	return s.State == Installed || strings.HasPrefix(string(s.State), string(Installed)+": ")
}

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
