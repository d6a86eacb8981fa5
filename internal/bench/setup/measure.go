package setup

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// settle is how long a bench waits after programs were detached: the kernel frees them, and their trampolines, tens of
// milliseconds later.
const settle = 100 * time.Millisecond

// Measurement is how a plan is measured.
type Measurement struct {
	// Calibrate measures the probes. It is called before anything of the enforcer is attached.
	Calibrate func(context.Context) (profile.Calibration, error)
	// Origin fills in the fields of a snapshot that are about lsmprof and the machine.
	Origin func(*profile.Snapshot)
	// Progress returns what is called with the progress of a run, and at its end.
	Progress func(*bench.Dir) (report func(bench.Progress), end func())
}

// Begin measures the plan in a new run directory. It calls create only after everything that can fail before the first
// round. The caller must close the directory. It is nil if it was not made.
func (s *Setup) Begin(
	ctx context.Context, m *Measurement, info rundir.Info, create func(rundir.Info) (*bench.Dir, error),
) (d *bench.Dir, err error) {
	info.Plan, info.Enforcer, info.Suite = *s.Plan, s.Subject(), s.suiteName()
	if err := s.calibrate(ctx, m, &info); err != nil {
		return nil, err
	}
	suites, err := s.Suites(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, suites.Close()) }()
	if d, err = create(info); err != nil {
		return nil, err
	}
	s.Plan = &d.Info.Plan
	return d, s.measure(ctx, m, d, suites)
}

// Continue measures what a run directory lacks.
func (s *Setup) Continue(ctx context.Context, m *Measurement, d *bench.Dir) error {
	suites, err := s.Suites(ctx)
	if err != nil {
		return err
	}
	if err = s.calibrate(ctx, m, &d.Info); err == nil {
		err = s.measure(ctx, m, d, suites)
	}
	return errors.Join(err, suites.Close())
}

// calibrate measures the probes, unless none will be used or an earlier part of the run has measured them.
func (s *Setup) calibrate(ctx context.Context, m *Measurement, info *rundir.Info) error {
	if !s.Profiles() || info.Calibration != nil {
		return nil
	}
	cal, err := m.Calibrate(ctx)
	info.Calibration = &cal
	return err
}

func (s *Setup) suiteName() string {
	if s.Plan.UnixBench != "" {
		return "byte-unixbench in " + s.Plan.UnixBench
	}
	return "built-in"
}

// measure runs what a directory lacks.
func (s *Setup) measure(ctx context.Context, m *Measurement, d *bench.Dir, suites Suites) error {
	release := host.LeaveCPUs(s.Plan.CPUs)
	defer release()
	if host.Shared(s.Plan.CPUs) {
		d.Warn("tests and lsmprof ran on the same CPUs %v: intervals are wider for it", s.Plan.CPUs)
	}
	progress, end := m.Progress(d)
	defer end()
	b := &bench.Bench{Dir: d, Suites: suites.ByKind(), Progress: progress, Settle: settle}
	if s.Profiles() {
		functions, err := s.Selection.Functions(nil)
		if err != nil {
			return err
		}
		b.Profiler = &bench.Profiler{
			Options: tracer.Options{
				Select: s.Selects, Functions: functions.Measured, Enforcers: s.Registry,
				Calibration: *d.Info.Calibration, Logger: slog.Default(),
			},
			Slice: s.Plan.Slice, Describe: m.Origin,
		}
	}
	if err := s.Connect(b); err != nil {
		return err
	}
	return b.Run(ctx)
}
