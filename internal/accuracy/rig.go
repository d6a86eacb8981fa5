package accuracy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Rig is what all measurements share.
type Rig struct {
	calibration profile.Calibration // as lsmprof would use it on this kernel
	ref         *reference.Enforcer
	mntns       uint32 // of the thread that runs the operations
}

// NewRig calibrates and loads the reference enforcer. No enforcer may be attached to the hooks where it calibrates.
func NewRig() (*Rig, error) {
	r := &Rig{}
	var err error
	if r.calibration, err = tracer.Calibrate(context.Background(), tracer.CalibrateOptions{}); err != nil {
		return nil, err
	}
	if !r.calibration.Applies() || len(r.calibration.Warnings) > 0 {
		return nil, fmt.Errorf("%v; %s; warnings %q: measure on a machine without enforcers",
			r.calibration, r.calibration.Refused, r.calibration.Warnings)
	}
	// Not that of /proc/self: the first thread of a test binary may have left it.
	if r.mntns, err = kernel.MountNamespace("/proc/thread-self"); err != nil {
		return nil, err
	}
	if r.ref, err = reference.Load(); err != nil {
		return nil, err
	}
	return r, nil
}

// Close unloads the reference enforcer.
func (r *Rig) Close() error { return r.ref.Close() }

// reference returns the reference enforcer with the given numbers of rules for this mount namespace, on the hooks that
// matter: to attach and detach a program takes far longer than to measure it.
func (r *Rig) reference(rules enforcer.Rules, hooks ...string) layer {
	return layer{
		name: "reference",
		owns: func(p string) bool { return strings.HasPrefix(p, "ref_") },
		attach: func() (func() error, error) {
			if err := errors.Join(r.ref.Confine(r.mntns, reference.Policy{Fillers: rules}),
				r.ref.AttachTo(hooks...)); err != nil {
				return nil, errors.Join(err, r.ref.Detach())
			}
			return r.ref.Detach, nil
		},
	}
}

// probe runs do while probes are on the programs of some hooks, and returns the costs.
func (r *Rig) probe(hooks []string, o tracer.Options, cal profile.Calibration, do func() error) (profile.Costs, error) {
	o.Select = func(p tracer.Program) bool { return slices.Contains(hooks, p.Hook) }
	o.Calibration = cal
	t, err := tracer.Start(withPreemptible(cal.Preemptible), o)
	if err != nil {
		return profile.Costs{}, err
	}
	defer t.Close()
	if err := do(); err != nil {
		return profile.Costs{}, err
	}
	// Without polls in between: they open files themselves.
	ended, end := context.WithCancel(context.Background())
	end()
	if err := t.Run(ended); err != nil {
		return profile.Costs{}, err
	}
	snap, err := t.Snapshot()
	if err != nil {
		return profile.Costs{}, err
	}
	return snap.Costs()
}

// withPreemptible returns a context under which the probes check for preemption, or do not, whatever the kernel is.
func withPreemptible(preemptible bool) context.Context {
	return kernel.WithOverride(context.Background(), kernel.Override{Preemptible: &preemptible})
}
