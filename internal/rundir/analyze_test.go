package rundir

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// twoScenarios is a plan with a baseline, one scenario and the second baseline.
func twoScenarios(kind Kind) *Plan {
	return &Plan{
		Order: Interleaved, Seed: 1, Runs: 3, Scenarios: SameScenarios(2),
		Tests: []Test{{Name: "a", Unit: "lps", Kind: kind}},
	}
}

// result has a slice for each of ops, each of a second.
func result(scenario string, round int, ops ...float64) Result {
	r := Result{Test: "a", Scenario: scenario, Round: round}
	for _, n := range ops {
		r.Ops, r.Ns, r.Slices = r.Ops+n, r.Ns+1e9, append(r.Slices, [2]float64{n, 1e9})
	}
	return r
}

func TestCompleteRounds(t *testing.T) {
	for name, c := range map[string]struct {
		order string
		given []Result
		want  []float64 // operations, in order
	}{
		"a whole round": {
			Interleaved,
			[]Result{result("baseline", 0, 1), result("same-1", 0, 2), result(SecondBaselineName, 0, 3)},
			[]float64{1, 2, 3},
		},
		"in another order": {
			Interleaved,
			[]Result{result(SecondBaselineName, 0, 3), result("same-1", 0, 2), result("baseline", 0, 1)},
			[]float64{1, 2, 3},
		},
		"a scenario is missing": {Interleaved, []Result{result("baseline", 0, 1), result("same-1", 0, 2)}, nil},
		"one of two rounds is whole": {
			Interleaved, []Result{
				result("baseline", 0, 1), result("same-1", 1, 5), result("baseline", 1, 4),
				result(SecondBaselineName, 1, 6),
			}, []float64{4, 5, 6},
		},
		"a repeated round": {
			Interleaved, []Result{
				result("baseline", 0, 1), result("same-1", 0, 2), result(SecondBaselineName, 0, 3),
				result("baseline", 0, 10), result("same-1", 0, 20), result(SecondBaselineName, 0, 30),
			}, []float64{10, 20, 30},
		},
		"sequential rounds need no others": {
			Sequential,
			[]Result{result("baseline", 0, 1), result("baseline", 1, 2), result("same-1", 0, 3)},
			[]float64{1, 3, 2},
		},
		"nothing": {Interleaved, nil, nil},
	} {
		p := twoScenarios(BuiltIn)
		p.Order = c.order
		var got []float64
		for _, r := range Complete(p, c.given) {
			got = append(got, r.Ops)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: operations %v, want %v", name, got, c.want)
		}
	}
}

func TestLosses(t *testing.T) {
	for name, c := range map[string]struct {
		order   string
		given   []Result
		want    []float64 // of the scenario
		control []float64 // of the second baseline
	}{
		"the first three slices of one baseline and the last two of the other": {
			Interleaved, []Result{
				result("baseline", 0, 100, 100, 100, 1, 1), result("same-1", 0, 90, 90, 90, 90, 90),
				result(SecondBaselineName, 0, 1, 1, 1, 100, 100),
			}, []float64{0.1}, []float64{1 - 203.0/302},
		},
		"a drift within the round cancels but for a tenth": {
			Interleaved, []Result{
				result("baseline", 0, 95, 95, 95, 95, 95), result("same-1", 0, 100, 100, 100, 100, 100),
				result(SecondBaselineName, 0, 105, 105, 105, 105, 105),
			}, []float64{1 - 100.0/99}, []float64{1 - 105.0/95},
		},
		"whole passes have one baseline": {
			Interleaved,
			[]Result{
				result("baseline", 0, 100), result("same-1", 0, 90), result(SecondBaselineName, 0, 80),
			},
			[]float64{0.1},
			[]float64{0.2},
		},
		"sequential rounds are compared with the median of all": {
			Sequential, []Result{
				result("baseline", 0, 80), result("baseline", 1, 100), result("baseline", 2, 200),
				result("same-1", 0, 90), result("same-1", 1, 50),
			}, []float64{0.1, 0.5}, nil,
		},
		"no baseline": {Interleaved, []Result{result("same-1", 0, 90)}, nil, nil},
	} {
		p := twoScenarios(BuiltIn)
		p.Order = c.order
		got := Losses(p, c.given, "a")
		for i, want := range [][]float64{nil, c.want, c.control} {
			if i == 0 {
				continue
			}
			if !slices.EqualFunc(got[i], want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
				t.Errorf("%s: losses of %s are %v, want %v", name, p.Scenarios[i].Name, got[i], want)
			}
		}
	}
}

// rounds has n rounds of a scenario that loses this much, with a little noise that the baselines have, too.
func rounds(n int, loss float64) []Result {
	var out []Result
	for i := range n {
		noise := 1 + 1e-4*math.Sin(float64(7*i))
		out = append(out, result("baseline", i, 1000, 1000, 1000, 1000, 1000),
			result("same-1", i, 1000*(1-loss)*noise),
			result(SecondBaselineName, i, 1000*(2-noise), 1000*(2-noise), 1000, 1000*noise, 1000*noise))
	}
	return out
}

func TestAnalyzeJudges(t *testing.T) {
	for name, c := range map[string]struct {
		rounds      int
		loss        float64
		significant bool
		warning     string
	}{
		"a loss":             {24, 0.02, true, ""},
		"a gain":             {24, -0.02, true, ""},
		"nothing":            {24, 0, false, ""},
		"too few rounds":     {4, 0.02, false, "no loss can be significant with fewer than 6"},
		"one round":          {1, 0.02, false, "no loss can be significant with fewer than 6"},
		"more than the test": {24, 0.999, true, ""},
	} {
		p := twoScenarios(BuiltIn)
		a := Analyze(p, rounds(c.rounds, c.loss), nil)
		i := slices.IndexFunc(a.Cells, func(c Cell) bool { return c.Scenario == "same-1" })
		cell := a.Cells[i]
		if cell.Significant != c.significant || math.Abs(cell.Loss-c.loss) > 1e-3 || cell.Rounds != c.rounds {
			t.Errorf("%s: %+v, want a loss of %g, significant %t", name, cell, c.loss, c.significant)
		}
		if c.rounds > 1 && !cell.CI.Contains(cell.Loss) {
			t.Errorf("%s: the interval %v lacks the loss %g", name, cell.CI, cell.Loss)
		}
		got := strings.Join(a.Warnings, "\n")
		if !strings.Contains(got, c.warning) || c.warning == "" && got != "" {
			t.Errorf("%s: warnings %q, want %q", name, got, c.warning)
		}
	}
}

func TestAnalyzeExplains(t *testing.T) {
	explained := map[string]map[string]Explained{"a": {"same-1": {
		Ops: 1, Calls: 2, HookNs: 2e7, Completeness: 90,
		Rows: []ExplainedRow{{Hook: "file_open", Calls: 2, HookNs: 2e7, Denials: 1}},
	}}}
	a := Analyze(twoScenarios(BuiltIn), rounds(24, 0.02), explained)
	i := slices.IndexFunc(a.Cells, func(c Cell) bool { return c.Scenario == "same-1" })
	// An operation takes 1 ms in the baseline, and 20 ms more in its hooks.
	c := a.Cells[i]
	if c.Explained == nil || math.Abs(*c.Explained-20.0/21) > 1e-9 ||
		math.Abs(*c.LeftOver-(c.Loss-20.0/21)) > 1e-9 || !*c.Exposed {
		t.Errorf("%+v, want 20/21 explained", c)
	}
	for _, want := range []string{
		"less than 95 % of the hook calls were timed in the profiles of a", "not calibrated",
		"denied calls in a under same-1",
	} {
		if !strings.Contains(strings.Join(a.Warnings, "\n"), want) {
			t.Errorf("warnings are %q, want %q", a.Warnings, want)
		}
	}
}

func TestRepeatedRounds(t *testing.T) {
	all := rounds(6, 0)
	for i := range all[3:6] {
		all[3+i].Discarded = []string{"another process kept 2 CPUs busy"}
	}
	a := Analyze(twoScenarios(BuiltIn), all, nil)
	if len(a.Repeated) != 1 || a.Repeated[0].Round != 1 || !slices.Equal(a.Repeated[0].Tests, []string{"a"}) {
		t.Errorf("repeated rounds are %+v", a.Repeated)
	}
	if want := "1 round repeated, first round 2 of a: another process"; !strings.Contains(a.Warnings[0], want) {
		t.Errorf("warnings are %q, want %q", a.Warnings, want)
	}
}
