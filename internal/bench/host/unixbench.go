package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench"
	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// UnixBenchTests returns the tests of a byte-unixbench with these names, or DefaultTests if there are no names.
func UnixBenchTests(names []string) ([]rundir.Test, error) {
	if len(names) == 0 {
		names = DefaultTests
	}
	var out []rundir.Test
	for _, name := range names {
		t, ok := unixbench.Find(name)
		if !ok || !t.Real {
			var names []string
			for _, t := range score.Tests() {
				names = append(names, t.Name)
			}
			return nil, fmt.Errorf("UnixBench has no test %q; choose among %s", name,
				strings.Join(names, ", "))
		}
		out = append(out, rundir.Test{
			Name: t.Name, Label: t.Label, Unit: t.Unit, Kind: rundir.Real,
			Baseline: t.Baseline, Hooks: t.Hooks,
		})
	}
	return out, nil
}

// unixbenchSuite runs the programs of a byte-unixbench, a whole pass at a time.
type unixbenchSuite struct {
	programs unixbench.Real
	plan     *rundir.Plan
	holders  Commands
}

// Start makes a mount namespace for the copy and holds it with a shell, because a program of UnixBench ends with its
// pass.
func (s unixbenchSuite) Start(ctx context.Context, t rundir.Test, _ int) (bench.Worker, error) {
	holder, err := s.holders.Start(ctx, rundir.Test{Name: "holder", Run: "true"}, 0)
	if err != nil {
		return nil, err
	}
	programs := s.programs
	programs.MountNSOf, programs.CPUs = holder.PID(), s.plan.CPUsOf(t)
	return unixbenchWorker{holder, &programs, t, s.plan.Pass}, nil
}

type unixbenchWorker struct {
	bench.Worker // holds the namespace
	programs     *unixbench.Real
	test         rundir.Test
	pass         time.Duration
}

// Slice makes a pass. Its rate is the score, in UnixBench's own unit.
func (w unixbenchWorker) Slice(ctx context.Context, _, _ time.Duration) (bench.Sample, error) {
	r, err := w.programs.Run(ctx, w.test.Name, w.pass)
	if err != nil {
		return bench.Sample{}, err
	}
	if r.Score <= 0 {
		return bench.Sample{}, errors.New("UnixBench prints no score")
	}
	ns := float64(r.Elapsed.Nanoseconds())
	return bench.Sample{Ops: r.Score * ns / 1e9, Ns: ns, Output: []byte(r.Output)}, nil
}
