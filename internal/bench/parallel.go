package bench

import (
	"context"
	"errors"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"golang.org/x/sync/errgroup"
)

// parallel is several copies of a test that run at once. Like UnixBench, it adds their operations and averages their
// times.
type parallel []Worker

// startTest starts all copies of a test, in one mount namespace if the suite can do that.
func startTest(ctx context.Context, suite Suite, t rundir.Test, join int) (Worker, error) {
	if t.Copies < 2 {
		return suite.Start(ctx, t, join)
	}
	base := t
	base.Name = t.Base()
	var all parallel
	for n := range t.Copies {
		base.Index = n
		w, err := suite.Start(ctx, base, join)
		if err != nil {
			return nil, errors.Join(err, all.Close())
		}
		all = append(all, w)
		if join == 0 {
			join = w.PID()
		}
	}
	return all, nil
}

func (p parallel) Slice(ctx context.Context, d, warmup time.Duration) (sum Sample, err error) {
	samples := make([]Sample, len(p))
	var g errgroup.Group
	for i, w := range p {
		g.Go(func() (err error) {
			samples[i], err = w.Slice(ctx, d, warmup)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return sum, err
	}
	for _, s := range samples {
		sum.Ops += s.Ops
		sum.Ns += s.Ns / float64(len(p))
		sum.Output = append(sum.Output, s.Output...)
	}
	return sum, nil
}

// PID returns the process of the first copy.
func (p parallel) PID() int { return p[0].PID() }

// Close ends the copies, the first of them last: it holds the namespace.
func (p parallel) Close() error {
	var all error
	for i := len(p) - 1; i >= 0; i-- {
		all = errors.Join(all, p[i].Close())
	}
	return all
}

// pidsOf returns the processes of a worker.
func pidsOf(w Worker) []int {
	p, several := w.(parallel)
	if !several {
		return []int{w.PID()}
	}
	var all []int
	for _, w := range p {
		all = append(all, pidsOf(w)...)
	}
	return all
}
