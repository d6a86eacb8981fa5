package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

const (
	// attempts is how often a round may find its rules changed before the bench gives up.
	attempts = 4
	// One of crowdShare rounds of a batch may be measured again because of what others do, once each: a machine that is always
	// crowded would never be done.
	crowdShare = 4
)

// repeat measures a round until it counts. An attempt during which the rules changed is worth nothing; one in a crowd is worth
// less than another one. Neither goes away in silence: the results say what was discarded, and why.
func (m *batchRun) repeat(rounds int, attempt func() ([]rundir.Result, string, error)) ([]rundir.Result, error) {
	var discarded []string
	for {
		results, reason, err := attempt()
		if err != nil {
			return nil, err
		}
		switch {
		case reason != "" && len(discarded)+1 >= attempts:
			return nil, fmt.Errorf("%s, %d times in a row: something else manages these rules; stop it", reason, attempts)
		case reason != "":
			m.bench.Enforcer.Forget()
			m.state = ""
		case len(discarded) == 0 && m.crowded(results, rounds):
			m.again++
			around := results[0].Interference
			reason = fmt.Sprintf("others kept %.1f CPUs busy", around.Foreign+around.Steal)
		default:
			for i := range results {
				results[i].Discarded = discarded
			}
			return results, nil
		}
		discarded = append(discarded, reason)
	}
}

// crowded says whether others did so much during the round that another one is worth its time. What runs beside commands may be
// their servers.
func (m *batchRun) crowded(results []rundir.Result, rounds int) bool {
	ours := !slices.ContainsFunc(m.batch, func(t rundir.Test) bool { return t.Kind == rundir.Command })
	return ours && len(results) > 0 && results[0].Interference.WorthRetrying() && m.again < rounds/crowdShare
}

// round measures all scenarios of the active tests once. A reason says that its results must not be used.
func (m *batchRun) round(ctx context.Context, n int, active []int) (_ []rundir.Result, reason string, err error) {
	round := m.plan.Round(m.index, n)
	if err := m.deal(round.Slots); err != nil {
		return nil, "", err
	}
	defer quiet()()
	tests := make([]rundir.Test, len(active))
	for i, a := range active {
		tests[i] = m.batch[a]
	}
	sums := make([][]sliceSums, len(active))
	for i := range sums {
		sums[i] = make([]sliceSums, len(m.plan.Scenarios))
	}
	noted := make([]*rundir.InForce, len(m.plan.Scenarios))
	start, around := time.Now(), rundir.Interference{}
	for _, phase := range round.Phases {
		before, err := m.enter(ctx, phase.State, phase.Scenarios, round.Slots)
		if err != nil {
			return nil, "", err
		}
		watched := m.bench.watch(m.workers.pids())
		for _, turn := range round.Turns(m.plan, tests, phase) {
			if turn.Lead {
				if err := m.rest(ctx, m.bench.Settle/2-m.plan.Slice-m.plan.Warmup); err != nil {
					return nil, "", err
				}
			}
			scenario := m.plan.Scenarios[turn.Scenario]
			sample, err := m.slice(ctx, active[turn.Test], turn.Slot, scenario)
			if err != nil {
				return nil, "", err
			}
			if !turn.Lead {
				sums[turn.Test][turn.Scenario].add(sample)
			}
		}
		around = around.And(watched())
		if reason, err = m.unchanged(before, phase.Scenarios, round.Slots, noted); reason != "" || err != nil {
			return nil, reason, err
		}
	}
	var results []rundir.Result
	for i := range tests {
		for j := range m.plan.Scenarios {
			r, err := m.result(n, tests[i], m.plan.Scenarios[j], sums[i][j])
			if err != nil {
				return nil, "", err
			}
			r.Start, r.Interference, r.InForce = start, around, noted[j]
			results = append(results, r)
		}
	}
	return results, "", nil
}

// enter brings the machine into a state, and returns when the scenarios are in force.
func (m *batchRun) enter(ctx context.Context, s rundir.State, scenarios, slots []int) (inforce.Reading, error) {
	if m.state != s {
		if err := m.bench.Enforcer.Switch(ctx, s); err != nil {
			return inforce.Reading{}, fmt.Errorf("%s: %w", s, err)
		}
		m.state = s
	}
	inForce, err := m.verify(ctx, scenarios, slots)
	if err != nil {
		return inForce, err
	}
	return inForce, m.rest(ctx, m.bench.Settle)
}

// rest lets the kernel free what it no longer needs: after a switch, and between two tests as far as the slice that leads is too short
// for that. RCU takes several ticks: behind leads of 5 ms, slices of syscall were up to 1 % slower where spawn had been before.
func (m *batchRun) rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
