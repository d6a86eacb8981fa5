package profile

import (
	"math"
	"slices"
	"testing"
)

func TestGroupsAddUpToTheWhole(t *testing.T) {
	costs := costs(t, sample())
	for name, of := range map[string]func(*Cost) string{
		"workload": func(c *Cost) string { return c.Name },
		"syscall":  func(c *Cost) string { return c.Syscall },
		"all":      func(*Cost) string { return "" },
	} {
		var calls, want uint64
		var hook float64
		for _, g := range costs.Groups(of) {
			calls, hook = calls+g.Calls, hook+g.Hook
		}
		for _, r := range costs.Rows {
			want += r.Calls
		}
		if calls != want || math.Abs(hook-costs.Hook) > 1 {
			t.Errorf("by %s: %d calls, %.0f ns; want %d, %.0f", name, calls, hook, want, costs.Hook)
		}
	}
}

func TestGroupOfOneRowIsThatRow(t *testing.T) {
	costs := costs(t, sample())
	for i := range costs.Rows {
		r := &costs.Rows[i]
		one := Costs{Rows: costs.Rows[i : i+1]}
		g := one.Groups(func(*Cost) string { return "x" })[0]
		if g.Mean() != r.Mean() || math.Abs(g.Quantile(0.99)-r.Quantile(0.99)) > 1e-6 ||
			!slices.Equal(g.Rules, []int{r.Rules}) {
			t.Errorf("%s %s: mean %f, p99 %f, rules %v; want %f, %f, %d", r.Name, r.Syscall, g.Mean(),
				g.Quantile(0.99), g.Rules,
				r.Mean(), r.Quantile(0.99), r.Rules)
		}
	}
}

func TestGroupKnowsAllRuleCounts(t *testing.T) {
	costs := costs(t, sample())
	g := costs.Groups(func(*Cost) string { return "" })[0]
	if !slices.Equal(g.Rules, []int{RulesUnknown, 0, 8}) || g.Denials != 3 {
		t.Errorf("rules %v, %d denials", g.Rules, g.Denials)
	}
}
