package forecast

import (
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
		{rules.File, 0.001, "affords no file rule (0 to 0)"},
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
