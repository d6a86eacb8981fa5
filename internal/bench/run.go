package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// Bench is what a run needs besides its plan.
type Bench struct {
	Dir      *Dir
	Suites   map[rundir.Kind]Suite
	Enforcer Enforcer
	Rules    InForceReader // nil: what is in force is neither checked nor recorded
	Profiler *Profiler     // nil: no profile runs, and nothing is explained
	Progress func(Progress)
	// Settle is what the kernel gets, after a switch, to free what it no longer needs: that would run in the slices otherwise.
	Settle time.Duration
	// Now is the time that --max-time and the ETA go by; nil: time.Now.
	Now func() time.Time
	// Watch begins to watch what others than these processes do; nil: this machine's /proc.
	Watch func(pids []int) (stop func() rundir.Interference)
}

func (b *Bench) watch(pids []int) (stop func() rundir.Interference) {
	if b.Watch != nil {
		return b.Watch(pids)
	}
	return startWatch(pids).stop
}

func (b *Bench) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now()
}

// Progress is where a bench is.
type Progress struct {
	Doing         string // execl,pipe: round 3 of 40
	Done          float64
	Remaining     time.Duration
	FinishedTests []string // since the last report
}

// Run works through what the directory still lacks. It leaves neither processes nor rules behind, however it ends.
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

// batch runs the rounds that are missing of some tests, and then their profile runs.
func (b *Bench) batch(ctx context.Context, index int, batch []rundir.Test, progress *progress) (err error) {
	plan := &b.Dir.Info.Plan
	pending := b.pendingRounds(batch, progress)
	if !pending.any() && !b.Profiler.lacks(b.Dir, batch) {
		return nil
	}
	c, err := startWorkers(ctx, b.Suites, batch, len(plan.Scenarios))
	if err != nil {
		return err
	}
	defer func() {
		if closing := c.Close(); err == nil && closing != nil {
			err = closing
		}
	}()
	m := &batchRun{bench: b, plan: plan, index: index, batch: batch, workers: c, progress: progress}
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

// wide says whether the interval of some scenario's loss is still wider than asked for.
func (b *Bench) wide(t rundir.Test, target float64) bool {
	plan := &b.Dir.Info.Plan
	losses := rundir.Losses(plan, b.Dir.Results(), t.Name)
	for i := range plan.Scenarios {
		if i != plan.Baseline() && stats.Bootstrap(losses[i], rundir.Confidence, plan.Seed).Half() > target {
			return true
		}
	}
	return false
}

// clock knows how far a bench is.
type progress struct {
	bench       *Bench
	start       time.Time
	total, done time.Duration // as planned
	skipped     time.Duration // done by an earlier bench
	fresh       []string
}

func newProgress(b *Bench, p *rundir.Plan) *progress {
	c := &progress{bench: b, start: b.now(), total: p.Duration()}
	if b.Profiler != nil {
		for _, t := range p.Tests {
			c.total += p.ProfileDuration(t)
		}
	}
	return c
}

func (c *progress) over() bool {
	limit := c.bench.Dir.Info.Plan.MaxTime
	return limit > 0 && c.bench.now().Sub(c.start) > limit
}

func (c *progress) finished(batch []rundir.Test) {
	for _, t := range batch {
		c.fresh = append(c.fresh, t.Name)
	}
	c.report("")
}

// round notes that planned work is done, and when.
func (c *progress) round(doing string, planned time.Duration) {
	c.done += planned
	c.report(doing)
}

func (c *progress) skip(planned time.Duration) { c.skipped += planned }

func (c *progress) report(doing string) {
	if c.bench.Progress == nil {
		return
	}
	p := Progress{Doing: doing, FinishedTests: c.fresh}
	c.fresh = nil
	left := max(0, c.total-c.done-c.skipped)
	if c.total > 0 {
		p.Done = min(1, float64(c.done+c.skipped)/float64(c.total))
	}
	if c.done > 0 {
		p.Remaining = time.Duration(float64(c.bench.now().Sub(c.start)) / float64(c.done) * float64(left))
	}
	c.bench.Progress(p)
}

// keep writes the output of a run below raw/ and returns its name there.
func (d *Dir) keep(r *rundir.Result, output []byte) error {
	if len(output) == 0 {
		return nil
	}
	r.Output = filepath.Join(rundir.FileName(r.Scenario), fmt.Sprintf("%s-%d.txt", rundir.FileName(r.Test), r.Round))
	return d.write(filepath.Join(rundir.RawDir, r.Output), bytesTo(output))
}
