package bench

import (
	"context"
	"fmt"
	"time"
)

// sequential runs all rounds of one scenario, then those of the next: what the seed did. Drift between scenarios is in its losses.
func (m *meter) sequential(ctx context.Context, todo *todo) error {
	done := map[string]int{}
	for _, r := range m.bench.Dir.journal.results {
		done[r.Scenario+"\x00"+r.Test] = max(done[r.Scenario+"\x00"+r.Test], r.Round+1)
	}
	slots := make([]int, len(m.plan.Scenarios))
	for i := range slots {
		slots[i] = i
	}
	if err := m.deal(slots); err != nil {
		return err
	}
	rounds := todo.rounds
	for j, s := range m.plan.Scenarios {
		if err := m.enter(ctx, s.State); err != nil {
			return err
		}
		for n := range rounds {
			var results []Result
			start, watch := time.Now(), startWatch(m.copies.pids())
			for i, t := range m.batch {
				if n < done[s.Name+"\x00"+t.Name] {
					continue
				}
				var sum tally
				for range m.plan.slices(t) {
					sample, err := m.slice(ctx, i, j, s)
					if err != nil {
						return err
					}
					sum.add(sample)
				}
				r, err := m.result(n, t, s, sum)
				if err != nil {
					return err
				}
				r.Start = start
				results = append(results, r)
			}
			around := watch.stop()
			for i := range results {
				results[i].Around = around
			}
			if err := m.bench.Dir.Append(results); err != nil {
				return err
			}
			m.clock.round(fmt.Sprintf("%s: round %d of %d", s.Name, n+1, rounds), m.planned()/time.Duration(len(m.plan.Scenarios)))
		}
	}
	return nil
}
