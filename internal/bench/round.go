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
	// attempts is the number of times that a round is measured before the bench gives up because its rules change.
	attempts = 4
	// At most one in retryShare rounds of a batch is repeated because of other processes, once each: on a machine
	// that is always busy a bench would never end.
	retryShare = 4
)

// repeat measures a round until it counts. If the rules changed meanwhile the attempt is worthless. If other processes
// kept the machine busy, another attempt is probably better. The results say what was discarded, and why.
func (m *batchRun) repeat(rounds int, attempt func() ([]rundir.Result, string, error)) ([]rundir.Result, error) {
	var discarded []string
	for {
		results, reason, err := attempt()
		if err != nil {
			return nil, err
		}
		switch {
		case reason != "" && len(discarded)+1 >= attempts:
			return nil, fmt.Errorf("%s, %d times in a row: something else manages these rules; stop it",
				reason, attempts)
		case reason != "":
			m.bench.Enforcer.Forget()
			m.state = ""
		case len(discarded) == 0 && m.disturbed(results, rounds):
			m.retried++
			i := results[0].Interference
			reason = fmt.Sprintf("other processes kept %.1f CPUs busy", i.Foreign+i.Steal)
		default:
			for i := range results {
				results[i].Discarded = discarded
			}
			return results, nil
		}
		discarded = append(discarded, reason)
	}
}

// disturbed reports whether other processes were so busy during the round that repeating it is worth the time.
// Processes beside commands may be servers that the commands talk to.
func (m *batchRun) disturbed(results []rundir.Result, rounds int) bool {
	if slices.ContainsFunc(m.batch, func(t rundir.Test) bool { return t.Kind == rundir.Command }) {
		return false
	}
	return len(results) > 0 && results[0].Interference.WorthRetrying() && m.retried < rounds/retryShare
}

// round measures all scenarios of the active tests once. A reason says why its results must not be used.
func (m *batchRun) round(ctx context.Context, n int, active []int) (_ []rundir.Result, reason string, err error) {
	round := m.plan.Round(m.index, n)
	if err := m.deal(round.Slots); err != nil {
		return nil, "", err
	}
	defer pauseGC()()
	tests := make([]rundir.Test, len(active))
	for i, a := range active {
		tests[i] = m.batch[a]
	}
	sums := make([][]sliceSums, len(active))
	for i := range sums {
		sums[i] = make([]sliceSums, len(m.plan.Scenarios))
	}
	seen := make([]*rundir.InForce, len(m.plan.Scenarios))
	start, interference := time.Now(), rundir.Interference{}
	for _, phase := range round.Phases {
		before, err := m.enter(ctx, phase.State, phase.Scenarios, round.Slots)
		if err != nil {
			return nil, "", err
		}
		stop := m.bench.watch(m.workers.pids())
		if err := m.phase(ctx, round.Turns(m.plan, tests, phase), active, sums); err != nil {
			return nil, "", err
		}
		interference = interference.And(stop())
		if reason, err = m.unchanged(before, phase.Scenarios, round.Slots, seen); reason != "" || err != nil {
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
			r.Start, r.Interference, r.InForce = start, interference, seen[j]
			results = append(results, r)
		}
	}
	return results, "", nil
}

// phase takes the turns of a phase.
func (m *batchRun) phase(ctx context.Context, turns []rundir.Turn, active []int, sums [][]sliceSums) error {
	previous := -1
	for _, turn := range turns {
		test := active[turn.Test]
		if turn.Lead && turn.Test != previous {
			if err := m.rest(ctx, m.bench.Settle/2-m.plan.LeadTime(m.batch[test])); err != nil {
				return err
			}
		}
		previous = turn.Test
		sample, err := m.slice(ctx, test, turn.Slot, m.plan.Scenarios[turn.Scenario])
		if err != nil {
			return err
		}
		if !turn.Lead {
			sums[turn.Test][turn.Scenario].add(sample)
		}
	}
	return nil
}

// enter brings the enforcer into a state, waits until the rules of the scenarios are in force, and returns the reading
// that shows them.
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

// rest waits while the kernel frees what it no longer uses: after a switch, and between two tests unless the slices
// that do not count take longer. RCU takes several ticks: 5 ms after spawn had run, slices of syscall were up to 1 %
// slower.
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
