package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/bench/container"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// ErrNoRoot is returned by Check if nothing but root is missing.
var ErrNoRoot = errors.New("a bench needs root, for mount namespaces and BPF programs. Run it with sudo")

// Errors of Check that say what this machine does not support.
var (
	ErrProgram = errors.New("attach a BPF LSM program")
	ErrProbe   = errors.New("attach a probe") // a bench without profile runs needs none
)

// Check finds out whether the plan can be carried out, without making or attaching anything that stays. It checks
// everything that it can, so that all mistakes are reported at once. now is what is attached.
func (s *Setup) Check(ctx context.Context, now inforce.Reading) error {
	all := []error{bench.CheckSteps(s.Plan.Scenarios)}
	if s.Plan.Container != "" {
		all = append(all, container.Check(ctx, s.Endpoint, s.Plan))
	} else {
		all = append(all, host.Check(s.Plan, s.Host))
	}
	if os.Geteuid() != 0 {
		if err := errors.Join(all...); err != nil {
			return errors.Join(err, ErrNoRoot)
		}
		return ErrNoRoot
	}
	all = append(all, s.checkReference(now))
	if s.Plan.NeedsReference() {
		if err := lsm.TryLSM(); err != nil {
			all = append(all, fmt.Errorf("%w: %w", ErrProgram, err))
		}
	}
	if s.Profiles() {
		if err := lsm.TryTracing(); err != nil {
			all = append(all, fmt.Errorf("%w: %w", ErrProbe, err))
		}
	}
	return errors.Join(all...)
}

// checkReference fails if another lsmprof has attached the reference enforcer: no scenario would be what its name says.
func (s *Setup) checkReference(now inforce.Reading) error {
	found, attached := now.Find(enforcer.Reference.Name)
	own := slices.ContainsFunc(s.Plan.Scenarios, func(s rundir.Scenario) bool { return s.Setup == nil })
	if !attached || !own {
		return nil
	}
	holder := ""
	if holders, err := lsm.Holders(); err == nil {
		for _, h := range holders[found.Programs[0].ID] {
			if h.PID != os.Getpid() {
				holder = fmt.Sprintf(" (%s, process %d)", text.Printable(h.Comm), h.PID)
			}
		}
	}
	return fmt.Errorf("%s of the reference enforcer are attached already: end the lsmprof that attached them%s",
		text.Plural(len(found.Programs), "program"), holder)
}

// Hooks returns the hooks of the enforcer that the plan is about. It is empty if they are unknown before the run.
func (s *Setup) Hooks(now inforce.Reading) ([]string, error) {
	switch {
	case s.Plan.NeedsReference():
		return reference.Hooks()
	case !s.Plan.Scripted():
		return nil, nil
	}
	var hooks []string
	for _, e := range now.Enforcers {
		for _, p := range e.Programs {
			hooks = append(hooks, p.Hook)
		}
	}
	slices.Sort(hooks)
	return slices.Compact(hooks), nil
}

// Subject names the enforcer that a plan is about, as far as that is known before the run.
func (s *Setup) Subject() string {
	if s.Enforcer != NoEnforcer && s.Plan.Scripted() {
		return "unknown"
	}
	return s.Enforcer
}

// Attached lists the attached enforcers: "varmor v0.10.3 (14 programs), generic:acme (1 program)".
func Attached(now inforce.Reading) string {
	var all []string
	for _, e := range now.Enforcers {
		name := e.Name
		if e.Version != "" {
			name += " " + e.Version
		}
		all = append(all, fmt.Sprintf("%s (%s)", text.Printable(name), text.Plural(len(e.Programs), "program")))
	}
	return text.List(all)
}
