package forecast

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

func TestBudget(t *testing.T) {
	m := fitted(t, exact(open, 0, 1, 2, 4))
	w := one(open, 4, 3600) // 1,000 calls in a second: 200 ns a call are 0.02 %
	for _, c := range []struct {
		kind  string
		share float64
		want  string
	}{
		{rules.File, 0.0044, "affords 8 file rules (7 to 8)"},
		{rules.File, 0.0036, "affords 4 file rules (3 to 4)"},
		{rules.File, 0.001, "affords no file rule"},
		{rules.File, 0.0005, "affords no file rules: without any the hooks take 0.07 %"},
		{rules.File, 0.01, "affords 36 file rules (34 to 37), extrapolated from 4"},
		{rules.Net, 0.01, "affords any number of net rules: they cost nothing here"},
		{EachType, 0.0044, "affords 8 rules of each type (7 to 8)"},
	} {
		if got := m.Budget(w, nil, c.kind, c.share).String(); got != c.want {
			t.Errorf("%s, %.2f %%: %s; want %s", c.kind, 100*c.share, got, c.want)
		}
	}
}

// The sample benchmark lost 2.0 % of execl under 8 rules of each type.
func TestBudgetOfASampleRun(t *testing.T) {
	run, err := rundir.Open("../../docs/sample/run")
	if err != nil {
		t.Fatal(err)
	}
	b, err := OfTest(run, "execl", EachType, 0.02)
	if err != nil || b.Rules < 6 || b.Rules > 9 || b.Low > b.Rules || b.High < b.Rules {
		t.Errorf("%s, %v", b, err)
	}
	if b, err := OfTest(run, "pipe", EachType, 0.02); err == nil {
		t.Errorf("pipe reaches no hook, but %s", b)
	}
}

// A budget looks at a curve through a few numbers of rules. It is what a forecast says of every number.
func TestCurve(t *testing.T) {
	m := machine{rand.New(rand.NewPCG(3, 4)), 0.005, 0.1, 0.2}
	model := fitted(t, m.bench(2))
	for _, from := range []int{0, 1, 4} {
		w := m.workload(1, from)
		for _, kind := range []string{rules.File, rules.Exec, EachType} {
			c := model.curve(&w, nil, kind)
			for _, n := range []int{0, 1, 2, 3, 4, 5, 9, 40, 41, 42, 500, 1e5} {
				f, e := model.Forecast(&w, c.rules(n)), c.at(n)
				half := model.quantile() * e.deviation()
				if math.Abs(f.Then.Ns-e.value) > 1e-6*e.value ||
					math.Abs(f.Then.CI.Half()-half) > 1e-6*half {
					t.Errorf("%d %s rules from %d: %.3f ± %.3f, the forecast is %.3f ± %.3f", n,
						kind, from, e.value,
						half, f.Then.Ns, f.Then.CI.Half())
				}
			}
		}
	}
}

func TestRangeOfABudget(t *testing.T) {
	for want, b := range map[string]Budget{
		"": {Rules: 7, Low: 7, High: 7}, "6 to 8": {Rules: 7, Low: 6, High: 8},
		"1,200 or more": {Rules: 5000, Low: 1200, High: mostRules},
	} {
		if got := b.Range(); got != want {
			t.Errorf("%+v: %q, want %q", b, got, want)
		}
	}
}
