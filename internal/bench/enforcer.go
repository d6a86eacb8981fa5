package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Enforcer puts scenarios in force.
type Enforcer interface {
	// Switch brings the machine into a state. The machine may be in that state already.
	Switch(ctx context.Context, s rundir.State) error
	// Confine puts a scenario in force in a mount namespace.
	Confine(mntns uint32, s rundir.Scenario) error
	// Forget makes the next Confine of each namespace write its rules again, because something else changed them.
	Forget()
	// Close restores the machine as it was.
	Close() error
}

// NoEnforcer does nothing. It is for scenarios that do not differ.
type NoEnforcer struct{}

func (NoEnforcer) Switch(context.Context, rundir.State) error { return nil }
func (NoEnforcer) Confine(uint32, rundir.Scenario) error      { return nil }
func (NoEnforcer) Forget()                                    {}
func (NoEnforcer) Close() error                               { return nil }

// Reference is the reference enforcer in this process.
type Reference struct {
	enforcer *reference.Enforcer
	inForce  map[uint32]string // scenario by mount namespace
}

// LoadReference loads the reference enforcer without attaching it. The caller must close it.
func LoadReference() (*Reference, error) {
	e, err := reference.Load()
	return &Reference{e, map[uint32]string{}}, err
}

// Switch attaches or detaches the programs.
func (r *Reference) Switch(_ context.Context, s rundir.State) error {
	switch s {
	case rundir.Removed:
		return r.enforcer.Detach()
	case rundir.Installed:
		return r.enforcer.Attach()
	}
	return fmt.Errorf("the reference enforcer has the states %q and %q, not %q", rundir.Removed, rundir.Installed,
		s)
}

// Confine writes only rules that are not in force already, because an update of a map of maps makes the kernel wait.
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

// Forget makes Confine write all rules again.
func (r *Reference) Forget() { clear(r.inForce) }

// Close unloads the programs and their rules.
func (r *Reference) Close() error {
	err := r.enforcer.Detach()
	return errors.Join(err, r.enforcer.Close())
}
