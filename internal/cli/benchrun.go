package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

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

// newRun measures a plan in a new run directory. The directory is made when everything that can fail before the first
// round has succeeded.
func (o *benchOptions) newRun(ctx context.Context, std streams, plan rundir.Plan) (err error) {
	cal, err := o.calibrate(ctx, o.enforcer)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	suites, err := o.suites(ctx, &plan)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, suites.Close()) }()
	info := rundir.Info{
		Version: version(), CommandLine: o.invocation, Start: time.Now(), Machine: bench.ThisMachine(),
		Enforcer: enforcerBefore(o.enforcer, &plan),
		Suite:    suiteName(plan), Calibration: cal, Plan: plan,
	}
	d, err := o.create(info)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return o.measure(ctx, std, d, suites)
}

// enforcerBefore names the enforcer of a run until its results show which one is in force.
func enforcerBefore(flag string, plan *rundir.Plan) string {
	if flag != "none" && scripted(plan) {
		return "unknown"
	}
	return flag
}

// continueRun continues the run of --resume.
func (o *benchOptions) continueRun(ctx context.Context, std streams) (err error) {
	d, err := bench.Open(o.resume)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	plan := &d.Info.Plan
	if plan.Imported() {
		return fmt.Errorf("bench: %s: %w", d.Path, bench.ErrImported)
	}
	o.unknown.rulesMap = plan.RulesMap
	if o.dryRun {
		if err := o.printLeft(std.out, d); err != nil {
			return err
		}
		return o.dryCheck(std, o.checkContinued(ctx, d))
	}
	left, err := d.InForce()
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if left != "" {
		std.say(fmt.Sprintf("the earlier bench ended while scenario %s was in force; running its teardown",
			left))
		if err := scriptedEnforcer(d, bench.NoEnforcer{}).Recover(left); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	std.say(o.subject(plan, d.Info.Enforcer, o.attached(ctx)))
	if err := o.checkContinued(ctx, d); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	suites, err := o.suites(ctx, plan)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer func() { err = errors.Join(err, suites.Close()) }()
	if d.Info.Calibration == nil {
		if d.Info.Calibration, err = o.calibrate(ctx, d.Info.Enforcer); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
	}
	return o.measure(ctx, std, d, suites)
}

// checkContinued is check for a run that another bench began. Scores of two machines must not be mixed.
func (o *benchOptions) checkContinued(ctx context.Context, d *bench.Dir) error {
	then, now := d.Info.Machine, bench.ThisMachine()
	if now.Kernel != then.Kernel || now.CPU != then.CPU {
		return fmt.Errorf("the run was begun on %s, %s. This is %s, %s", then.Kernel, then.CPU, now.Kernel,
			now.CPU)
	}
	return o.check(ctx, &d.Info.Plan, d.Info.Enforcer, o.attached(ctx))
}

// create makes the run directory that the flags name, or a new one.
func (o *benchOptions) create(info rundir.Info) (*bench.Dir, error) {
	if o.Path == "" {
		return bench.CreateNew("lsmprof-bench-"+time.Now().Format("20060102-150405"), info)
	}
	d, err := bench.Create(o.Path, info)
	if errors.Is(err, bench.ErrHoldsRun) {
		return nil, fmt.Errorf("%w: continue it with --resume, or give another --output", err)
	}
	return d, err
}

// measure runs what a directory lacks, and reports on it.
func (o *benchOptions) measure(ctx context.Context, std streams, d *bench.Dir, suites testSuites) error {
	std.say("run directory: " + d.Path)
	plan := &d.Info.Plan
	release := host.LeaveCPUs(plan.CPUs)
	defer release()
	if host.Shared(plan.CPUs) {
		d.Warn("tests and lsmprof ran on the same CPUs %v: intervals are wider for it", plan.CPUs)
	}
	err := o.runBench(ctx, std, d, suites)
	if err == nil {
		return o.conclude(std, d)
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	saving := d.Save()
	if errors.Is(err, bench.ErrDiskFull) {
		err = fmt.Errorf("%w; make room", err)
	}
	if d.Started() && saving == nil {
		err = fmt.Errorf("%w; `lsmprof bench --resume %s` continues from here", err, d.Path)
	}
	return errors.Join(fmt.Errorf("bench: %w", err), saving)
}

func (o *benchOptions) runBench(ctx context.Context, std streams, d *bench.Dir, suites testSuites) (err error) {
	progress := newBenchProgress(std, d)
	defer progress.End()
	b := bench.Bench{
		Dir: d, Suites: suites.ByKind(), Progress: progress.report, Profiler: o.profiler(d),
		Settle: settle,
	}
	if b.Rules, err = inForceReader(d, o.unknown.registry()); err != nil {
		return err
	}
	if b.Enforcer, err = loadEnforcer(d); err != nil {
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

// loadEnforcer returns what puts the scenarios in force. It loads the reference enforcer if a scenario needs it.
func loadEnforcer(d *bench.Dir) (e bench.Enforcer, err error) {
	plan := &d.Info.Plan
	e = bench.NoEnforcer{}
	if d.Info.Enforcer != "none" && slices.ContainsFunc(plan.Scenarios, rundir.Scenario.NeedsReference) {
		if e, err = bench.LoadReference(); err != nil {
			return nil, err
		}
	}
	if plan.Container != "" {
		e = &bench.OneNamespace{Own: e, Scenarios: plan.Scenarios}
	}
	if scripted(plan) {
		e = scriptedEnforcer(d, e)
	}
	return e, nil
}

// scriptedEnforcer runs the commands of scenarios, and leaves all other scenarios to another enforcer.
func scriptedEnforcer(d *bench.Dir, own bench.Enforcer) *bench.Scripted {
	plan := &d.Info.Plan
	return &bench.Scripted{
		Own: own, Scenarios: plan.Scenarios, OneNamespace: plan.Container != "",
		Mark: d.MarkInForce,
	}
}

// profiles reports whether a run makes profile runs.
func (o *benchOptions) profiles(enforcer string) bool {
	return o.profile != "off" && enforcer != "none"
}

// calibrate measures the probes, before anything of the enforcer is attached. It returns nil if no probe will be used.
func (o *benchOptions) calibrate(ctx context.Context, enforcer string) (*profile.Calibration, error) {
	if !o.profiles(enforcer) {
		return nil, nil
	}
	cal, err := calibration(ctx, o.calibration)
	if err != nil {
		return nil, err
	}
	return &cal, nil
}

// profiler returns what makes the profile runs, or nil.
func (o *benchOptions) profiler(d *bench.Dir) *bench.Profiler {
	if !o.profiles(d.Info.Enforcer) {
		return nil
	}
	return &bench.Profiler{
		Options: tracer.Options{
			Select: selects(&d.Info.Plan), Enforcers: o.unknown.registry(),
			Calibration: *d.Info.Calibration, Logger: slog.Default(),
		},
		Slice: d.Info.Plan.Slice,
		Describe: func(s *profile.Snapshot) {
			s.CommandLine, s.Version, s.Machine = o.invocation, version(), machine()
		},
	}
}

// selects returns which programs are profiled: those of the reference enforcer, or all if commands set up the enforcer.
// Programs of other enforcers run in the baseline too.
func selects(plan *rundir.Plan) func(tracer.Program) bool {
	if scripted(plan) {
		return nil
	}
	return func(p tracer.Program) bool { return enforcer.Reference.Owns(p) }
}

// suites prepares the tests where the plan wants them.
func (o *benchOptions) suites(ctx context.Context, plan *rundir.Plan) (testSuites, error) {
	if plan.Container != "" {
		return benchcontainer.Open(ctx, o.endpoint, plan)
	}
	return host.Open(ctx, plan, o.hostOptions())
}

func (o *benchOptions) hostOptions() host.Options {
	return host.Options{WorkDir: o.workdir, Build: o.build}
}

// testSuites runs the tests of a plan.
type testSuites interface {
	ByKind() map[rundir.Kind]bench.Suite
	Close() error
}
