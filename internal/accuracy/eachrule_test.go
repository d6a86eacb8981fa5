package accuracy

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
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
		detach, err := r.reference(enforcer.Rules{File: n}, "file_open").attach()
		if err != nil {
			t.Fatal(err)
		}
		if truth[n], err = op.latency(); err != nil {
			t.Fatal(err)
		}
		if n == 8 {
			checkDearestLine(t, r, op)
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

// checkDearestLine samples opens that walk 8 rules, and checks what docs/inside.md says of them: over a third of
// ref_file_open is the line that looks up a rule. It looks 9 times, once past the last rule.
func checkDearestLine(t *testing.T, r *Rig, op *operation) {
	t.Helper()
	tr, err := tracer.Start(withPreemptible(r.calibration.Preemptible), tracer.Options{
		Lines: 20_000, Calibration: r.calibration,
		Select: func(p tracer.Program) bool { return p.Name == "ref_file_open" },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	var s profile.Snapshot
	for i := 0; i < 50 && (s.Inside == nil || s.Inside.Samples < 3000); i++ {
		for range 1000 {
			if err := op.do(1); err != nil {
				t.Fatal(err)
			}
			// Takes a random time, else opens keep step with the samples where nothing else disturbs them.
			for n := rand.Uint64N(2000); n > 0; n-- {
				spun ^= n
			}
		}
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s, err = tr.Snapshot(); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	programs := c.Lines(nil)
	if len(programs) != 1 || len(programs[0].Lines) == 0 {
		t.Fatalf("%s: %d programs have lines, want 1", s.Inside.Fact(), len(programs))
	}
	p := &programs[0]
	l := &p.Lines[0]
	t.Logf("%.1f %% (%.1f to %.1f) of %d samples: %s", 100*p.Share(l.Body), 100*p.Share(l.Low), 100*p.Share(l.High),
		p.Samples, l.Code)
	least, most, helper := 0.28, 0.42, ""
	if !vmtest.Guest(t).AtLeast(6, 2) { // that of docs/inside.md; newer ones have the hash inline
		least, most, helper = 0.34, 0.4, "jhash"
	}
	if !strings.Contains(l.Text, "bpf_map_lookup_elem(walk->rules, &i)") || p.Share(l.High) < least ||
		p.Share(l.Low) > most || len(l.Helpers) == 0 || helper != "" && l.Helpers[0].Function != helper {
		t.Errorf("the most expensive line is %q with %.1f %%, its first helper %v; want the lookup with %.0f "+
			"to %.0f %%", l.Text, 100*p.Share(l.Body), l.Helpers, 100*least, 100*most)
	}
}

// spun keeps a loop from being optimized away.
var spun uint64
