package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// sequential runs all rounds of one scenario, then those of the next, as published benchmarks do. The losses include
// whatever changed in the machine between the scenarios.
func (m *batchRun) sequential(ctx context.Context, pending *pendingRounds) error {
	type cell struct{ test, scenario string }
	done := map[cell]int{}
	for _, r := range m.bench.Dir.journal.results {
		c := cell{r.Test, r.Scenario}
		done[c] = max(done[c], r.Round+1)
	}
	slots := make([]int, len(m.plan.Scenarios))
	for i := range slots {
		slots[i] = i
	}
	if err := m.deal(slots); err != nil {
		return err
	}
	for j, s := range m.plan.Scenarios {
		for n := range pending.rounds {
			var left []int
			for i, t := range m.batch {
				if n >= done[cell{t.Name, s.Name}] {
					left = append(left, i)
				}
			}
			share := m.planned() / time.Duration(len(m.plan.Scenarios))
			if len(left) == 0 {
				m.progress.skip(share)
				continue
			}
			results, err := m.repeat(pending.rounds, func() ([]rundir.Result, string, error) {
				return m.alone(ctx, n, left, j, slots)
			})
			if err != nil {
				return err
			}
			if err := m.bench.Dir.Append(results); err != nil {
				return err
			}
			doing := fmt.Sprintf("%s: round %d of %d", s.Name, n+1, pending.rounds)
			m.progress.add(doing, share)
		}
	}
	return nil
}

// alone measures a round of one scenario.
func (m *batchRun) alone(ctx context.Context, n int, tests []int, scenario int, slots []int) (
	results []rundir.Result, reason string, err error,
) {
	s := m.plan.Scenarios[scenario]
	before, err := m.enter(ctx, s.State, []int{scenario}, slots)
	if err != nil {
		return nil, "", err
	}
	start, stop := time.Now(), m.bench.watch(m.workers.pids())
	for _, i := range tests {
		var sum sliceSums
		for range m.plan.Slices(m.batch[i]) {
			sample, err := m.slice(ctx, i, scenario, s)
			if err != nil {
				return nil, "", err
			}
			sum.add(sample)
		}
		r, err := m.result(n, m.batch[i], s, sum)
		if err != nil {
			return nil, "", err
		}
		results = append(results, r)
	}
	interference, seen := stop(), make([]*rundir.InForce, len(m.plan.Scenarios))
	if reason, err = m.unchanged(before, []int{scenario}, slots, seen); reason != "" || err != nil {
		return nil, reason, err
	}
	for i := range results {
		results[i].Start, results[i].Interference, results[i].InForce = start, interference, seen[scenario]
	}
	return results, "", nil
}
