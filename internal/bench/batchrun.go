package bench

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// batchRun measures one batch of tests.
type batchRun struct {
	bench    *Bench
	plan     *rundir.Plan
	index    int
	batch    []rundir.Test
	workers  *workers
	progress *progress
	state    rundir.State // that the enforcer is in; empty: unknown
	retried  int          // rounds that were repeated because of other processes
}

// warmUp lets every copy run once without counting it: memory is mapped, caches and branch predictors are filled.
func (m *batchRun) warmUp(ctx context.Context) error {
	for i, t := range m.batch {
		if !t.Sliced() {
			continue
		}
		for slot := range m.plan.Scenarios {
			if _, err := m.slice(ctx, i, slot, m.plan.Scenarios[m.plan.Baseline()]); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure runs rounds until no test needs another one.
func (m *batchRun) measure(ctx context.Context, pending *pendingRounds) error {
	if m.plan.Order == rundir.Sequential {
		return m.sequential(ctx, pending)
	}
	m.progress.skip(m.planned() * time.Duration(pending.finished()))
	for n := 0; ; n++ {
		active := pending.active(n)
		if len(active) == 0 {
			if n < pending.end() {
				continue
			}
			return nil
		}
		results, err := m.repeat(pending.rounds, func() ([]rundir.Result, string, error) {
			return m.round(ctx, n, active)
		})
		if err != nil {
			return err
		}
		if err := m.bench.Dir.Append(results); err != nil {
			return err
		}
		doing := fmt.Sprintf("%s: round %d of %d", m.names(active), n+1, max(n+1, pending.rounds))
		m.progress.add(doing, m.planned())
	}
}

// planned returns how long a round of the whole batch is expected to take.
func (m *batchRun) planned() time.Duration {
	p := *m.plan
	p.Tests, p.Runs = m.batch, 1
	return p.Duration() / time.Duration(p.Rounds(m.batch[0]))
}

func (m *batchRun) names(active []int) string {
	var names []string
	for _, i := range active {
		names = append(names, m.batch[i].Name)
	}
	return strings.Join(names, ",")
}

// pauseGC collects garbage now, and then not until the returned function is called: test and lsmprof may share one CPU.
func pauseGC() (resume func()) {
	runtime.GC()
	percent := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(percent) }
}

// sliceSums collects the slices of a test under a scenario in one round.
type sliceSums struct {
	slices [][2]float64 // operations, ns
	output []byte
}

func (t *sliceSums) add(s Sample) {
	t.slices = append(t.slices, [2]float64{s.Ops, s.Ns})
	t.output = append(t.output, s.Output...)
}

func (m *batchRun) result(n int, t rundir.Test, s rundir.Scenario, sum sliceSums) (rundir.Result, error) {
	r := rundir.Result{Batch: m.index, Round: n, Test: t.Name, Scenario: s.Name, Slices: sum.slices}
	for _, s := range sum.slices {
		r.Ops, r.Ns = r.Ops+s[0], r.Ns+s[1]
	}
	r.Score = t.Score(r.Rate())
	return r, m.bench.Dir.saveOutput(&r, sum.output)
}

// deal puts each scenario in force in its slot.
func (m *batchRun) deal(slots []int) error {
	for i, s := range m.plan.Scenarios {
		for _, ns := range m.workers.mntns[slots[i]] {
			if err := m.bench.Enforcer.Confine(ns, s); err != nil {
				return fmt.Errorf("scenario %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// slice lets one copy run.
func (m *batchRun) slice(ctx context.Context, test, slot int, s rundir.Scenario) (Sample, error) {
	if err := ctx.Err(); err != nil {
		return Sample{}, err
	}
	sample, err := m.workers.byTest[test][slot].Slice(ctx, m.plan.Slice, m.plan.Warmup)
	if ctx.Err() != nil {
		return Sample{}, ctx.Err()
	}
	if err == nil && (sample.Ops <= 0 || sample.Ns <= 0) {
		err = fmt.Errorf("%.0f operations in %.0f ns", sample.Ops, sample.Ns)
	}
	if err != nil {
		return Sample{}, fmt.Errorf("%s under %s: %w", m.batch[test].Name, s.Name, err)
	}
	return sample, nil
}
