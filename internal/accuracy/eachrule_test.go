package accuracy

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// eachRule times each rule of ref_file_open while op runs.
func eachRule(t *testing.T, r *Rig, op *operation) *profile.EachRule {
	t.Helper()
	opts := tracer.Options{Select: func(p tracer.Program) bool { return slices.Contains(op.hooks, p.Hook) }}
	rules, err := tracer.StartEachRule(withPreemptible(r.calibration.Preemptible), opts,
		func(tracer.Program) []string { return []string{"no_such_function", "path_rule_at"} })
	if err != nil {
		t.Fatal(err)
	}
	defer rules.Close()
	if err := op.latencies(); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if err := rules.Run(ended); err != nil {
		t.Fatal(err)
	}
	got, warnings, err := rules.Result()
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return got
}

// A rule costs what one more rule adds to an open, and each was looked at once by each open.
func TestIcountEachRule(t *testing.T) {
	r := rigOf(t)
	if r.calibration.Scope == profile.ScopeHook {
		t.Skip("no probe sits on a program before Linux 5.18")
	}
	op, err := openClose(2)()
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	truth, mean, past := map[int]float64{}, map[int]float64{}, 0.0
	for _, n := range walked {
		detach, err := r.reference(enforcer.Rules{File: n}).attach()
		if err != nil {
			t.Fatal(err)
		}
		if truth[n], err = op.latency(); err != nil {
			t.Fatal(err)
		}
		got := eachRule(t, r, op)
		if err := detach(); err != nil {
			t.Fatal(err)
		}
		if n == walked[0] {
			t.Logf("bias %v, step %v, lookup in a hash %v, in an array %v", got.Calibration.Bias,
				got.Calibration.Step, got.Calibration.HashLookup, got.Calibration.ArrayLookup)
		}
		rows := n // each rule, and the look past the last
		if n < 64 {
			rows++
		}
		if len(got.Rows) != rows || got.Lost > 0 || got.Missed > 0 {
			t.Errorf("%d rules: %d rows, %d looks lost, %d missed; want %d rows", n, len(got.Rows),
				got.Lost,
				got.Missed, rows)
		}
		for _, c := range got.Costs() {
			ends := uint64(0)
			if c.Rule == n {
				ends = c.Looks
			}
			if c.Looks != uint64(op.total()) || c.Timed < c.Looks-5 || c.Matches != ends {
				t.Errorf("%d rules: %+v, want %d looks of which %d end the walk", n, c, op.total(),
					ends)
			}
			switch {
			case c.Rule >= n:
				past = c.Mean
			case n == 64 && c.Rule >= 8:
				mean[n] += c.Mean / 56
			case n < 64:
				mean[n] += c.Mean / float64(n)
			}
		}
	}
	// Patterns from the tenth on are longer than the path, so that a rule of them costs less.
	first := (truth[8] - truth[1]) / 7
	rest := (truth[64] - truth[8] + past) / 56 // the walk of 64 rules does not look past the last
	for _, c := range []struct {
		name     string
		is, want float64
	}{{"1 rule", mean[1], first}, {"8 rules", mean[8], first}, {"64 rules", mean[64], rest}} {
		off := c.is/c.want - 1
		t.Logf("%s: %.1f ns a rule, want %.1f (%+.2f %%)", c.name, c.is, c.want, 100*off)
		if math.Abs(off) > perRuleShare {
			t.Errorf("%s: %.1f ns a rule, want %.1f", c.name, c.is, c.want)
		}
	}
}
