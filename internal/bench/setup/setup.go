// Package setup carries out the plan of a bench on this machine. It connects the run directory, the tests, the enforcer
// that scenarios put in force, the rules that are in force, and the profiler.
package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/bench/container"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/targets"
	"github.com/lsmprof/lsmprof/tracer"
)

// Setup is what a plan is carried out with.
type Setup struct {
	Plan     *rundir.Plan
	Enforcer string            // as in run.json; NoEnforcer: scenarios that do not differ
	Profile  bool              // make profile runs, unless there is no enforcer
	Registry *inforce.Registry // of this command
	Host     host.Options
	Endpoint string // of the container runtime
	// Selection is what the profile runs measure, of the programs that Selects returns.
	Selection targets.Selection
}

// NoEnforcer is the name of the enforcer of a plan whose scenarios do not differ.
const NoEnforcer = "none"

// Profiles reports whether profile runs are made.
func (s *Setup) Profiles() bool { return s.Profile && s.Enforcer != NoEnforcer }

// Suites runs the tests of a plan. The caller must close it, after the last worker has ended.
type Suites interface {
	ByKind() map[rundir.Kind]bench.Suite
	Close() error
}

// Suites prepares the tests where the plan wants them.
func (s *Setup) Suites(ctx context.Context) (Suites, error) {
	if s.Plan.Container != "" {
		return container.Open(ctx, s.Endpoint, s.Plan)
	}
	return host.Open(ctx, s.Plan, s.Host)
}

// Connect adds to a bench, which has a run directory, the enforcer and the reader of the rules in force. Run closes
// both.
func (s *Setup) Connect(b *bench.Bench) (err error) {
	if b.Rules, err = s.rules(b.Dir); err != nil {
		return err
	}
	b.Enforcer, err = s.enforcer(b.Dir)
	return err
}

// rules returns what reads the rules in force while a scenario is measured. It is nil if there is nothing to read, or
// if the maps cannot be read and no scenario depends on them.
func (s *Setup) rules(d *bench.Dir) (bench.InForceReader, error) {
	if s.Enforcer == NoEnforcer {
		return nil, nil
	}
	reading, err := s.Registry.Read()
	if err == nil {
		err = reading.Err()
	}
	if err == nil {
		return s.Registry, nil
	}
	err = errors.Join(err, s.Registry.Close())
	depends := func(s rundir.Scenario) bool { return s.NeedsReference() || s.Expect != nil }
	if slices.ContainsFunc(s.Plan.Scenarios, depends) {
		return nil, err
	}
	d.Warn("which rules were in force was neither checked nor recorded: %v", err)
	return nil, nil
}

// enforcer returns what puts the scenarios in force. It loads the reference enforcer if a scenario needs it.
func (s *Setup) enforcer(d *bench.Dir) (e bench.Enforcer, err error) {
	e = bench.NoEnforcer{}
	if s.Enforcer != NoEnforcer && s.Plan.NeedsReference() {
		if e, err = bench.LoadReference(); err != nil {
			return nil, err
		}
	}
	if s.Plan.Container != "" {
		e = &bench.OneNamespace{Own: e, Scenarios: s.Plan.Scenarios}
	}
	if s.Plan.Scripted() {
		e = s.scripted(d, e)
	}
	return e, nil
}

// scripted runs the commands of scenarios, and leaves all other scenarios to another enforcer.
func (s *Setup) scripted(d *bench.Dir, own bench.Enforcer) *bench.Scripted {
	return &bench.Scripted{
		Own: own, Scenarios: s.Plan.Scenarios, OneNamespace: s.Plan.Container != "", Mark: d.MarkInForce,
	}
}

// Recover tears down the scenario that an earlier bench of the directory left in force, and returns its name. The name
// is empty if there is none.
func (s *Setup) Recover(d *bench.Dir) (scenario string, err error) {
	if scenario, err = d.InForce(); err != nil || scenario == "" {
		return "", err
	}
	return scenario, s.scripted(d, bench.NoEnforcer{}).Recover(scenario)
}

// Selects reports whether the profile runs measure a program that the selection selects: one of the reference enforcer,
// or any if commands set up the enforcer. Programs of other enforcers run in the baseline too.
func (s *Setup) Selects(p tracer.Program) bool {
	return (s.Plan.Scripted() || enforcer.Reference.Owns(p)) && s.Selection.Program(p, s.Registry.Owner)
}

// Continues checks that a run that was begun on a machine can be continued on this one. Scores of two machines must not
// be mixed.
func Continues(then rundir.Machine) error {
	now := bench.ThisMachine()
	if now.Kernel == then.Kernel && now.CPU == then.CPU {
		return nil
	}
	return fmt.Errorf("the run was begun on %s, %s. This is %s, %s: continue it there, or begin a new run here",
		then.Kernel, then.CPU, now.Kernel, now.CPU)
}
