package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// ErrImported is returned for a run directory with results that were measured elsewhere.
var ErrImported = errors.New("its results were imported: there is nothing to measure")

// Bench is what a run needs besides its plan.
type Bench struct {
	Dir      *Dir
	Suites   map[rundir.Kind]Suite
	Enforcer Enforcer
	Rules    InForceReader  // nil: what is in force is neither checked nor recorded
	Profiler *Profiler      // nil: no profile runs, so that nothing is explained
	Progress func(Progress) // nil: progress is not reported
	// Settle is how long the kernel gets after a switch to free what it no longer needs. It would do so during
	// slices otherwise.
	Settle time.Duration
	// Now is the clock of the time limit and of the estimated time of arrival; nil: time.Now.
	Now func() time.Time
	// Watch starts to watch how busy other processes keep the machine; nil: through /proc.
	Watch func(own []int) (stop func() rundir.Interference)
}

func (b *Bench) watch(own []int) (stop func() rundir.Interference) {
	if b.Watch != nil {
		return b.Watch(own)
	}
	return startWatch(own).stop
}

func (b *Bench) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}

// Run measures what the directory still lacks. It leaves neither processes nor rules behind, however it ends.
func (b *Bench) Run(ctx context.Context) (err error) {
	plan := &b.Dir.Info.Plan
	if err := plan.Check(); err != nil {
		return err
	}
	if plan.Imported() {
		return ErrImported
	}
	defer func() {
		if closing := b.Enforcer.Close(); closing != nil {
			err = errors.Join(err, fmt.Errorf("remove the enforcer: %w", closing))
		}
		if b.Rules != nil {
			err = errors.Join(err, b.Rules.Close())
		}
	}()
	progress := newProgress(b, plan)
	for i, batch := range plan.Batches() {
		if err := b.batch(ctx, i, batch, progress); err != nil {
			return err
		}
	}
	return nil
}

// batch runs the missing rounds of some tests, and then their profile runs.
func (b *Bench) batch(ctx context.Context, index int, batch []rundir.Test, progress *progress) (err error) {
	plan := &b.Dir.Info.Plan
	pending := b.pendingRounds(batch, progress)
	if !pending.any() && !b.Profiler.missing(b.Dir, batch) {
		return nil
	}
	w, err := startWorkers(ctx, b.Suites, batch, len(plan.Scenarios))
	if err != nil {
		return err
	}
	defer func() {
		if closing := w.Close(); err == nil && closing != nil {
			err = closing
		}
	}()
	m := &batchRun{bench: b, plan: plan, index: index, batch: batch, workers: w, progress: progress}
	if pending.any() {
		if err := m.warmUp(ctx); err != nil {
			return err
		}
		if err := m.measure(ctx, pending); err != nil {
			return err
		}
	}
	if b.Profiler != nil {
		if err := m.profile(ctx); err != nil {
			return err
		}
	}
	progress.finished(batch)
	return nil
}

// wide reports whether the interval of some scenario's loss is still wider than the target.
func (b *Bench) wide(t rundir.Test, target float64) bool {
	plan := &b.Dir.Info.Plan
	losses := rundir.Losses(plan, b.Dir.Results(), t.Name)
	for i := range plan.Scenarios {
		if i != plan.Baseline() && stats.Bootstrap(losses[i], rundir.Confidence).Half() > target {
			return true
		}
	}
	return false
}
