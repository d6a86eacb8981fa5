package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/lsmprof/lsmprof/internal/bench"
	benchcontainer "github.com/lsmprof/lsmprof/internal/bench/container"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// errBenchRoot says that a bench cannot run without root.
var errBenchRoot = errors.New("a bench needs root, for mount namespaces and BPF programs. Run it with sudo")

// check finds out whether a plan can be carried out, before anything is made or attached. It checks everything that it
// can, so that all mistakes are reported at once.
func (o *benchOptions) check(ctx context.Context, plan *rundir.Plan, name string, now inforce.Reading) error {
	all := []error{bench.CheckSteps(plan.Scenarios)}
	if plan.Container != "" {
		all = append(all, benchcontainer.Check(ctx, o.endpoint, plan))
	} else {
		all = append(all, host.Check(plan, o.hostOptions()))
	}
	if o.calibration != "" {
		_, err := os.Stat(o.calibration)
		all = append(all, err)
	}
	if os.Geteuid() != 0 {
		if err := errors.Join(all...); err != nil {
			return errors.Join(err, errBenchRoot)
		}
		return errBenchRoot
	}
	all = append(all, checkReference(plan, now))
	if slices.ContainsFunc(plan.Scenarios, rundir.Scenario.NeedsReference) {
		if err := lsm.TryLSM(); err != nil {
			all = append(all, unsupportedError{fmt.Errorf("attach a BPF LSM program: %w. `lsmprof check` "+
				"says what is missing", err)})
		}
	}
	if o.profiles(name) {
		if err := lsm.TryTracing(); err != nil {
			err = fmt.Errorf("attach a probe: %w. `lsmprof check` says what is missing; --profile=off "+
				"measures without probes", err)
			all = append(all, unsupportedError{err})
		}
	}
	return errors.Join(all...)
}

// attached returns the enforcers that are attached now. A kernel that does not let them be listed is not an error here:
// what depends on the list fails by itself.
func (o *benchOptions) attached(ctx context.Context) inforce.Reading {
	if os.Geteuid() != 0 {
		return inforce.Reading{}
	}
	if o.unknown.containers == nil {
		o.unknown.containers = newContainers(o.endpoint)
		o.unknown.containers.Look(ctx)
	}
	now, _ := o.unknown.registry().Read()
	return now
}
