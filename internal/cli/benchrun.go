package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/bench/setup"
	"github.com/lsmprof/lsmprof/internal/check"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// with returns the setup of a plan, with the flags that a plan does not hold.
func (o *benchOptions) with(plan *rundir.Plan, enforcer string) *setup.Setup {
	return &setup.Setup{
		Plan: plan, Enforcer: enforcer, Profile: o.profile != "off", Registry: o.unknown.registry(),
		Host: host.Options{WorkDir: o.workdir, Build: o.build}, Endpoint: o.endpoint,
	}
}

// newRun measures a plan in a new run directory. It makes the directory only after everything that can fail before the
// first round.
func (o *benchOptions) newRun(ctx context.Context, std streams, plan rundir.Plan) (err error) {
	now := o.attached(ctx)
	s := o.with(&plan, o.enforcer)
	if o.dryRun {
		fmt.Fprintln(std.out, s.Describe(now))
		hooks, err := s.Hooks(now)
		if err != nil {
			return err
		}
		if err := s.WritePlan(std.out, hooks); err != nil {
			return err
		}
		return dryCheck(std, o.check(ctx, s, now))
	}
	std.say(s.Describe(now))
	if err := o.check(ctx, s, now); err != nil {
		return err
	}
	cal, err := o.calibrate(ctx, s)
	if err != nil {
		return err
	}
	suites, err := s.Suites(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, suites.Close()) }()
	d, err := o.create(rundir.Info{
		Version: version(), CommandLine: o.invocation, Start: time.Now(), Machine: o.machine(),
		Enforcer: s.Subject(), Suite: suiteName(plan), Calibration: cal, Plan: plan,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	s.Plan = &d.Info.Plan
	return o.measure(ctx, std, s, d, suites)
}

// continueRun continues the run of --resume.
func (o *benchOptions) continueRun(ctx context.Context, std streams) (err error) {
	d, err := bench.Open(o.resume)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	plan := &d.Info.Plan
	if plan.Imported() {
		return fmt.Errorf("%s: %w", d.Path, bench.ErrImported)
	}
	o.unknown.rulesMap, o.selection.LSMs, o.selection.Hooks = plan.RulesMap, plan.LSMs, plan.Hooks
	now := o.attached(ctx)
	s := o.with(plan, d.Info.Enforcer)
	if err := setup.Continues(d.Info.Machine); err != nil {
		return err
	}
	if o.dryRun {
		if err := s.WriteLeft(std.out, d); err != nil {
			return err
		}
		return dryCheck(std, o.check(ctx, s, now))
	}
	left, err := s.Recover(d)
	if err != nil {
		return err
	}
	if left != "" {
		std.say(fmt.Sprintf("the earlier bench ended while scenario %s was in force; its teardown has run",
			left))
		now = o.attached(ctx)
	}
	std.say(s.Describe(now))
	if err := o.check(ctx, s, now); err != nil {
		return err
	}
	suites, err := s.Suites(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, suites.Close()) }()
	if d.Info.Calibration == nil {
		if d.Info.Calibration, err = o.calibrate(ctx, s); err != nil {
			return err
		}
	}
	return o.measure(ctx, std, s, d, suites)
}

// attached returns the enforcers that are attached now. If the kernel does not list them, that is no error yet:
// whatever depends on the list fails by itself.
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

// selects returns which programs the profile runs measure.
func (o *benchOptions) selects(s *setup.Setup) func(tracer.Program) bool {
	selected := s.Selects()
	return func(p tracer.Program) bool {
		return o.selection.Program(p, s.Registry.Owner) && (selected == nil || selected(p))
	}
}

// check reports why a plan cannot be carried out, with advice.
func (o *benchOptions) check(ctx context.Context, s *setup.Setup, now inforce.Reading) error {
	err := s.Check(ctx, now)
	if errors.Is(err, setup.ErrProbe) {
		err = fmt.Errorf("%w. --profile=off measures without probes", err)
	}
	if errors.Is(err, setup.ErrProgram) || errors.Is(err, setup.ErrProbe) {
		return unsupportedError{fmt.Errorf("%w. `lsmprof check` says what is missing", err)}
	}
	return err
}

// dryCheck returns the result of --dry-run. A plan that lacks nothing but root is a success.
func dryCheck(std streams, err error) error {
	if err == setup.ErrNoRoot { // alone: Check joins it with other errors
		std.note("without root, --dry-run cannot see what the kernel supports and which enforcers are attached")
		return nil
	}
	if err != nil {
		return fmt.Errorf("this run would fail: %w", err)
	}
	return nil
}

func suiteName(plan rundir.Plan) string {
	if plan.UnixBench != "" {
		return "byte-unixbench in " + plan.UnixBench
	}
	return "built-in"
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

// calibrate measures the probes, before anything of the enforcer is attached. It returns nil if no probe will be used.
func (o *benchOptions) calibrate(ctx context.Context, s *setup.Setup) (*profile.Calibration, error) {
	if !s.Profiles() {
		return nil, nil
	}
	cal, err := calibration(ctx, o.calibration, o.selection.Others())
	return &cal, err
}

// measure runs what a directory lacks, and reports on it.
func (o *benchOptions) measure(
	ctx context.Context, std streams, s *setup.Setup, d *bench.Dir, suites setup.Suites,
) error {
	std.say("run directory: " + d.Path)
	release := host.LeaveCPUs(s.Plan.CPUs)
	defer release()
	if host.Shared(s.Plan.CPUs) {
		d.Warn("tests and lsmprof ran on the same CPUs %v: intervals are wider for it", s.Plan.CPUs)
	}
	err := o.runBench(ctx, std, s, d, suites)
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
	return errors.Join(err, saving)
}

func (o *benchOptions) runBench(
	ctx context.Context, std streams, s *setup.Setup, d *bench.Dir, suites setup.Suites,
) error {
	progress := newBenchProgress(std, d)
	defer progress.End()
	b := &bench.Bench{Dir: d, Suites: suites.ByKind(), Progress: progress.report, Settle: settle}
	if s.Profiles() {
		functions, err := o.selection.Functions(nil)
		if err != nil {
			return fmt.Errorf("--lsm: %w", err)
		}
		b.Profiler = &bench.Profiler{
			Options: tracer.Options{
				Select: o.selects(s), Functions: functions.Measured, Enforcers: s.Registry,
				Calibration: *d.Info.Calibration,
				Logger:      slog.Default(),
			},
			Slice: s.Plan.Slice,
			Describe: func(snap *profile.Snapshot) {
				snap.CommandLine, snap.Version, snap.Machine = o.invocation, version(), check.Machine()
				snap.Machine.Host = o.host.name()
			},
		}
	}
	if err := s.Connect(b); err != nil {
		return err
	}
	return b.Run(ctx)
}

// machine describes this machine in run.json.
func (o *benchOptions) machine() rundir.Machine {
	m := bench.ThisMachine()
	m.Host = o.host.name()
	return m
}
