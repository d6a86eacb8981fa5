package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// patience is how long the rules of a scenario may take to appear in the enforcers' maps, unless its ready command has
// a longer timeout.
const patience = 5 * time.Second

// verify waits until the enforcers' own maps show the rules of the scenarios, and returns that reading. Nothing is
// scored before.
func (m *batchRun) verify(ctx context.Context, scenarios, slots []int) (inforce.Reading, error) {
	if m.bench.Rules == nil {
		return inforce.Reading{}, nil
	}
	limit := patience
	for _, i := range scenarios {
		if ready := m.plan.Scenarios[i].Ready; ready != nil {
			limit = max(limit, ready.Timeout)
		}
	}
	deadline := time.Now().Add(limit)
	for {
		now, err := readInForce(m.bench.Rules)
		for k := 0; k < len(scenarios) && err == nil; k++ {
			i := scenarios[k]
			if err = check(m.plan.Scenarios[i], now, m.workers.mntns[slots[i]]); err != nil {
				err = fmt.Errorf("scenario %s is not in force: %w", m.plan.Scenarios[i].Name, err)
			}
		}
		if err == nil || ctx.Err() != nil {
			return now, ctx.Err()
		}
		if time.Now().After(deadline) {
			return now, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// check compares what is in force with a scenario.
func check(s rundir.Scenario, r inforce.Reading, mntns []uint32) error {
	f, err := summarize(r, mntns)
	if err != nil {
		return err
	}
	own := enforcer.Reference.Name
	switch {
	case s.Setup != nil:
		return checkExpected(s, r, f)
	case s.State == rundir.Removed && f.Programs[own] > 0:
		return fmt.Errorf("%d programs of the reference enforcer are attached: end the lsmprof that attached "+
			"them", f.Programs[own])
	case !s.NeedsReference():
		return nil
	case f.Programs[own] == 0:
		return fmt.Errorf("no program of the reference enforcer is attached")
	}
	rules, confined := f.Policies[own]
	switch {
	case confined && !s.Confined:
		return fmt.Errorf("the maps have a policy for it, %s", rulesText(rules))
	case s.Confined && !confined:
		return fmt.Errorf("the maps have no policy for it")
	case s.Confined && rules != s.Rules:
		return fmt.Errorf("the maps show %s, not %s", rulesText(rules), rulesText(s.Rules))
	}
	return nil
}

// checkExpected compares what is in force with the rules that a scripted scenario expects, whatever the product.
func checkExpected(s rundir.Scenario, r inforce.Reading, f rundir.InForce) error {
	switch want := s.Expect; {
	case want == nil:
		return nil
	case want.None && len(f.Policies) > 0:
		return fmt.Errorf("the maps have a policy for it: %s", policiesText(f))
	case want.None && !slices.ContainsFunc(r.Enforcers, func(e inforce.Enforcer) bool { return e.RulesKnown }):
		return fmt.Errorf("no enforcer that lsmprof knows is attached")
	case want.None:
		return nil
	default:
		for _, rules := range f.Policies {
			if rules == want.Rules {
				return nil
			}
		}
		return fmt.Errorf("the maps show %s, not %s", policiesText(f), rulesText(want.Rules))
	}
}

func policiesText(f rundir.InForce) string {
	if len(f.Policies) == 0 {
		return "no policy"
	}
	text := ""
	for product, rules := range f.Policies {
		text += fmt.Sprintf(" %s (%s)", rulesText(rules), product)
	}
	return text[1:]
}

func rulesText(r enforcer.Rules) string {
	return fmt.Sprintf("file=%d,exec=%d,net=%d,mount=%d,cap=%d,ptrace=%d", r.File, r.Exec, r.Net, r.Mount, r.Cap,
		r.Ptrace)
}

// unchanged reads what is in force once more and saves it in seen, by scenario. A reason says that something changed
// since before, so that the slices in between must not be used.
func (m *batchRun) unchanged(
	before inforce.Reading, scenarios, slots []int, seen []*rundir.InForce,
) (reason string, err error) {
	if m.bench.Rules == nil {
		return "", nil
	}
	now, err := readInForce(m.bench.Rules)
	if err != nil {
		return "", err
	}
	for _, i := range scenarios {
		mntns := m.workers.mntns[slots[i]]
		if why := difference(before, now, mntns); why != "" {
			return fmt.Sprintf("%s while %s was measured", why, m.plan.Scenarios[i].Name), nil
		}
		f, err := summarize(now, mntns)
		if err != nil {
			return "", err
		}
		seen[i] = &f
		if err := m.bench.Dir.found(m.plan.Scenarios[i], now); err != nil {
			return "", err
		}
	}
	return "", nil
}
