package rundir

import (
	"fmt"
	"math"
	"testing"
)

// Two enforcers with 0 to 8 rules in a test of one open per operation: A takes 100 ns and 5 ns more per rule, B 200 ns
// and 50 ns more per rule, of which 20 ns are another hook's.
func TestEnforcersSideBySide(t *testing.T) {
	p := Plan{Tests: []Test{{Name: "openclose"}}, Scenarios: []Scenario{{Name: "none"}}}
	a := Analysis{Cells: []Cell{{Test: "openclose", Scenario: "none"}}}
	cost := map[string]func(rules int) float64{
		"a": func(rules int) float64 { return 100 + 5*float64(rules) },
		"b": func(rules int) float64 { return 180 + 50*float64(rules) },
	}
	for _, name := range []string{"a", "b"} {
		for _, rules := range []int{8, 0, 1, 4} {
			scenario := fmt.Sprintf("%s-%d", name, rules)
			p.Scenarios = append(p.Scenarios, Scenario{Name: scenario, Compare: &Compared{name, rules}})
			ns := cost[name](rules)
			e := Explained{HookNs: ns, Rows: []ExplainedRow{
				{
					Hook: "file_open", Program: name + "_file_open", Calls: 1, HookNs: ns, Mean: ns,
					Err: 1,
				},
			}}
			if name == "b" {
				e.HookNs += 20
				e.Rows = append(e.Rows, ExplainedRow{
					Hook: "other", Program: "b_other", Calls: 2,
					HookNs: 20, Mean: 10,
				})
			}
			a.Cells = append(a.Cells, Cell{
				Test: "openclose", Scenario: scenario, Loss: ns / 1e4,
				Profile: &e,
			})
		}
	}
	got := a.Compare(&p)
	if len(got) != 1 || got[0].Hook != "file_open" || len(got[0].Enforcers) != 2 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []struct {
		name        string
		call, slope float64 // of a call with 8 rules, in ns
	}{{"a", 140, 5}, {"b", 580, 50}} {
		e := got[0].Enforcers[i]
		if e.Enforcer != want.name || len(e.Cells) != 4 || e.Cells[0].Rules != 0 || e.Cells[3].Rules != 8 {
			t.Fatalf("%+v", e)
		}
		if c := e.Cells[3]; c.PerCall != want.call || c.Err != 1 {
			t.Errorf("%s: a call takes %.1f ns ± %.1f, want %.1f ± 1", want.name, c.PerCall, c.Err,
				want.call)
		}
		if e.Line == nil || math.Abs(e.Line.Slope-want.slope) > 1e-6 {
			t.Errorf("%s: line %+v, want a slope of %.0f ns", want.name, e.Line, want.slope)
		}
	}
}

func TestOneEnforcerIsNoComparison(t *testing.T) {
	p := Plan{Tests: []Test{{Name: "pipe"}}, Scenarios: []Scenario{
		{Name: "none"}, {Name: "a-1", Compare: &Compared{"a", 1}},
	}}
	a := Analysis{Cells: []Cell{{Test: "pipe", Scenario: "a-1"}}}
	if got := a.Compare(&p); got != nil {
		t.Errorf("%+v", got)
	}
}

// Functions of the kernel run in the baseline as well: only what they take more explains a loss.
func TestExplainedLossIsBeyondTheBaseline(t *testing.T) {
	e := Explained{HookNs: 150, Rows: []ExplainedRow{
		{Hook: "file_open", Program: "apparmor_file_open", HookNs: 100, Mean: 100},
		{Hook: "mmap_file", Program: "apparmor_mmap_file", HookNs: 20, Mean: 20},
		{Hook: "file_open", Program: "ref_file_open", HookNs: 30, Mean: 30},
	}}
	got := e.beyond(Explained{HookNs: 70, Rows: []ExplainedRow{
		{Hook: "file_open", Program: "apparmor_file_open", HookNs: 40},
		{Hook: "mmap_file", Program: "apparmor_mmap_file", HookNs: 30},
	}})
	if got.HookNs != 60+0+30 || got.Rows[0].HookNs != 60 || got.Rows[0].Mean != 100 {
		t.Errorf("%+v, want 90 ns, 60 of them apparmor_file_open's", got)
	}
	if e.Rows[0].HookNs != 100 {
		t.Error("the cell of the profile run changed")
	}
	if got := e.beyond(Explained{}); got.HookNs != 150 {
		t.Errorf("%.0f ns without a profiled baseline, want 150", got.HookNs)
	}
}
