package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Enforcer is what scenarios differ in.
type Enforcer interface {
	// Switch brings the machine into a state. It is called with the state that it is in, too.
	Switch(ctx context.Context, s rundir.State) error
	// Confine puts a scenario in force in a mount namespace.
	Confine(mntns uint32, s rundir.Scenario) error
	// Forget makes the next Confine of each namespace write again: somebody else has changed something.
	Forget()
	// Close leaves the machine as it was found.
	Close() error
}

// NoEnforcer is for a bench of scenarios that do not differ.
type NoEnforcer struct{}

func (NoEnforcer) Switch(context.Context, rundir.State) error { return nil }
func (NoEnforcer) Confine(uint32, rundir.Scenario) error      { return nil }
func (NoEnforcer) Forget()                                    {}
func (NoEnforcer) Close() error                               { return nil }

// Reference is the reference enforcer in this process.
type Reference struct {
	enforcer *reference.Enforcer
	inForce  map[uint32]string // scenario by namespace
}

// LoadReference loads it; nothing is enforced yet.
func LoadReference() (*Reference, error) {
	e, err := reference.Load()
	return &Reference{e, map[uint32]string{}}, err
}

// Switch attaches or detaches its programs.
func (r *Reference) Switch(_ context.Context, s rundir.State) error {
	switch s {
	case rundir.Removed:
		return r.enforcer.Detach()
	case rundir.Installed:
		return r.enforcer.Attach()
	}
	return fmt.Errorf("the reference enforcer is %q or %q, not %q", rundir.Removed, rundir.Installed, s)
}

// Confine changes only what is not in force already: an update of a map of maps makes the kernel wait.
func (r *Reference) Confine(mntns uint32, s rundir.Scenario) error {
	if r.inForce[mntns] == s.Name {
		return nil
	}
	delete(r.inForce, mntns)
	var err error
	if s.Confined {
		err = r.enforcer.Confine(mntns, reference.Policy{Fillers: s.Rules})
	} else {
		err = r.enforcer.Release(mntns)
	}
	if err == nil {
		r.inForce[mntns] = s.Name
	}
	return err
}

// Forget forgets what is in force.
func (r *Reference) Forget() { clear(r.inForce) }

// Close unloads it, and its rules with it.
func (r *Reference) Close() error {
	err := r.enforcer.Detach()
	return errors.Join(err, r.enforcer.Close())
}
