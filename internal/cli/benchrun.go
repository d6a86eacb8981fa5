package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/bench/setup"
	"github.com/lsmprof/lsmprof/internal/check"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/profile"
)

// with returns the setup of a plan, with the flags that a plan does not hold.
func (o *benchOptions) with(plan *rundir.Plan, enforcer string) *setup.Setup {
	return &setup.Setup{
		Plan: plan, Enforcer: enforcer, Profile: o.profile != "off", Registry: o.unknown.registry(),
		Host: host.Options{WorkDir: o.workdir, Build: o.build}, Endpoint: o.endpoint, Selection: o.selection,
	}
}

// newRun measures a plan in a new run directory.
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
	d, err := s.Begin(ctx, o.measurement(std), rundir.Info{
		Version: version(), CommandLine: o.invocation, Start: time.Now(), Machine: o.machine(),
	}, func(info rundir.Info) (*bench.Dir, error) {
		d, err := o.create(info)
		if err == nil {
			std.say("run directory: " + d.Path)
		}
		return d, err
	})
	if d == nil {
		return err
	}
	return errors.Join(o.end(ctx, std, d, err), d.Close())
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
	if o.asBegun && plan.NoProfile {
		o.profile = "off"
	}
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
	std.say("run directory: " + d.Path)
	return o.end(ctx, std, d, s.Continue(ctx, o.measurement(std), d))
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

// dryCheck returns the result of --dry-run. A plan that lacks only root is a success.
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

// measurement returns how a plan is measured.
func (o *benchOptions) measurement(std streams) *setup.Measurement {
	return &setup.Measurement{
		Calibrate: func(ctx context.Context) (profile.Calibration, error) {
			return calibration(ctx, o.calibration, o.selection.Others())
		},
		Origin: func(snap *profile.Snapshot) {
			snap.CommandLine, snap.Version, snap.Machine = o.invocation, version(), check.Machine()
			snap.Machine.Host = o.host.name()
		},
		Progress: func(d *bench.Dir) (func(bench.Progress), func()) {
			p := benchProgress{terminal.NewProgress(std.err, std.quiet), d, std.quiet}
			return p.report, p.End
		},
	}
}

// end reports on a run that ended with err. A run that was interrupted can be continued.
func (o *benchOptions) end(ctx context.Context, std streams, d *bench.Dir, err error) error {
	if err == nil {
		return o.conclude(std, d)
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	saving := d.Save()
	if errors.Is(err, bench.ErrDiskFull) {
		err = fmt.Errorf("%w; make room", err)
		saving = nil // it failed for the same reason, and all that it writes follows from the complete rounds
	}
	if d.Started() && saving == nil {
		err = fmt.Errorf("%w; `lsmprof bench --resume %s` continues from here", err, d.Path)
	}
	return errors.Join(err, saving)
}

// machine describes this machine in run.json.
func (o *benchOptions) machine() rundir.Machine {
	m := bench.ThisMachine()
	m.Host = o.host.name()
	return m
}
