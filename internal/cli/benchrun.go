package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/lsmprof/lsmprof/internal/bench"
	benchcontainer "github.com/lsmprof/lsmprof/internal/bench/container"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

func suiteName(plan rundir.Plan) string {
	if plan.UnixBench != "" {
		return "byte-unixbench in " + plan.UnixBench
	}
	return "built-in"
}

func (o *benchOptions) measure(ctx context.Context, std streams, d *bench.Dir) (err error) {
	if d.Info.Plan.Imported() {
		return bench.ErrImported
	}
	if now := bench.ThisMachine(); now.Kernel != d.Info.Machine.Kernel || now.CPU != d.Info.Machine.CPU {
		return fmt.Errorf("the run was begun on %s, %s: this is %s, %s", d.Info.Machine.Kernel, d.Info.Machine.CPU, now.Kernel, now.CPU)
	}
	plan := &d.Info.Plan
	o.unknown.rulesMap, o.unknown.rules = plan.RulesMap, -1
	o.unknown.containers = &containers{endpoint: o.endpoint}
	o.unknown.containers.look(ctx)
	release := host.LeaveCPUs(plan.CPUs)
	defer release()
	profiler, err := o.profiler(d)
	if err != nil {
		return err
	}
	suites, err := o.suites(ctx, plan)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, suites.Close()) }()
	e, err := loadEnforcer(d.Info.Enforcer, plan)
	if err != nil {
		return err
	}
	b := bench.Bench{
		Dir: d, Suites: suites.ByKind(), Enforcer: e, Profiler: profiler, Progress: newBenchProgress(std, d).report, Settle: settle,
	}
	if b.Rules, err = inForceReader(d, o.unknown.registry()); err != nil {
		return err
	}
	return b.Run(ctx)
}

// inForceReader returns what reads the rules in force while a scenario is measured. It is nil if there is nothing to
// read, or if the maps cannot be read and no scenario depends on them.
func inForceReader(d *bench.Dir, registry *inforce.Registry) (bench.InForceReader, error) {
	if d.Info.Enforcer == "none" {
		return nil, nil
	}
	reading, err := registry.Read()
	if err == nil {
		err = reading.Err()
	}
	if err == nil {
		return registry, nil
	}
	err = errors.Join(err, registry.Close())
	says := func(s rundir.Scenario) bool { return s.NeedsReference() || s.Expect != nil }
	if slices.ContainsFunc(d.Info.Plan.Scenarios, says) {
		return nil, err
	}
	d.Warn("which rules are in force is neither checked nor recorded: %v", err)
	return nil, nil
}

// loadEnforcer loads the reference enforcer where a scenario needs it.
func loadEnforcer(name string, plan *rundir.Plan) (e bench.Enforcer, err error) {
	e = bench.NoEnforcer{}
	if name != "none" && slices.ContainsFunc(plan.Scenarios, rundir.Scenario.NeedsReference) {
		if e, err = bench.LoadReference(); err != nil {
			return nil, err
		}
	}
	if plan.Container != "" {
		e = &bench.OneNamespace{Own: e, Scenarios: plan.Scenarios}
	}
	if slices.ContainsFunc(plan.Scenarios, func(s rundir.Scenario) bool { return s.Setup != nil }) {
		e = &bench.Scripted{Own: e, Scenarios: plan.Scenarios, OneNamespace: plan.Container != ""}
	}
	return e, nil
}

// profiler calibrates before anything of the enforcer is there. Nil: there is nothing to profile.
func (o *benchOptions) profiler(d *bench.Dir) (*bench.Profiler, error) {
	if o.profile == "off" || d.Info.Enforcer == "none" {
		return nil, nil
	}
	if d.Info.Calibration == nil {
		cal, err := calibration(context.Background(), o.calibration)
		if err != nil {
			return nil, err
		}
		d.Info.Calibration = &cal
		if err := d.SaveInfo(); err != nil {
			return nil, err
		}
	}
	return &bench.Profiler{
		Options: tracer.Options{
			Select: selects(&d.Info.Plan), Enforcers: o.unknown.registry(), Calibration: *d.Info.Calibration,
			Logger: slog.Default(),
		},
		Slice: d.Info.Plan.Slice,
		Describe: func(s *profile.Snapshot) {
			s.CommandLine, s.Version, s.Machine = o.invocation, version(), machine()
		},
	}, nil
}

// selects are the programs that the scenarios are about: those of other enforcers run in the baseline, too.
func selects(plan *rundir.Plan) func(tracer.Program) bool {
	if slices.ContainsFunc(plan.Scenarios, func(s rundir.Scenario) bool { return s.Setup != nil }) {
		return nil // whatever the commands start
	}
	return func(p tracer.Program) bool { return enforcer.Reference.Owns(p) }
}

// suites prepares the tests where the plan wants them.
func (o *benchOptions) suites(ctx context.Context, plan *rundir.Plan) (testSuites, error) {
	if plan.Container != "" {
		return benchcontainer.Open(ctx, o.endpoint, plan)
	}
	return host.Open(ctx, plan, host.Options{WorkDir: o.workdir, Build: o.build})
}

// testSuites is what runs the tests of a plan.
type testSuites interface {
	ByKind() map[rundir.Kind]bench.Suite
	Close() error
}
