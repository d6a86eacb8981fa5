package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench"
)

// realTests are the tests of a byte-unixbench, all or those of --tests.
func realTests(names []string) ([]rundir.Test, error) {
	if len(names) == 0 {
		names = defaultTests
	}
	var out []rundir.Test
	for _, name := range names {
		t, ok := unixbench.Find(name)
		if !ok || !t.Real {
			return nil, fmt.Errorf("UnixBench has no test %q", name)
		}
		out = append(out, rundir.Test{
			Name: t.Name, Label: t.Label, Unit: t.Unit, Kind: rundir.Real, Baseline: t.Baseline, Hooks: t.Hooks,
		})
	}
	return out, nil
}

// realSuite runs the programs of UnixBench, a whole pass at a time.
type realSuite struct {
	ctx     context.Context
	real    unixbench.Real
	plan    *rundir.Plan
	holders bench.Commands
}

// Start makes a mount namespace for the copy: a program of UnixBench ends with its pass.
func (s realSuite) Start(ctx context.Context, t rundir.Test, _ int) (bench.Worker, error) {
	holder, err := s.holders.Start(ctx, rundir.Test{Name: "holder", Run: "true"}, 0)
	if err != nil {
		return nil, err
	}
	real := s.real
	real.MountNSOf, real.CPUs = holder.PID(), s.plan.CPUsOf(t)
	return realWorker{holder, ctx, &real, t, s.plan.Pass}, nil
}

type realWorker struct {
	bench.Worker // holds the namespace
	ctx          context.Context
	real         *unixbench.Real
	test         rundir.Test
	pass         time.Duration
}

// Slice makes a pass. Its rate is the score, in UnixBench's own unit.
func (w realWorker) Slice(_, _ time.Duration) (bench.Sample, error) {
	r, err := w.real.Run(w.ctx, w.test.Name, w.pass)
	if err != nil {
		return bench.Sample{}, err
	}
	if r.Score <= 0 {
		return bench.Sample{}, errors.New("UnixBench gives no score")
	}
	ns := float64(r.Elapsed.Nanoseconds())
	return bench.Sample{Ops: r.Score * ns / 1e9, Ns: ns, Output: []byte(r.Output)}, nil
}
