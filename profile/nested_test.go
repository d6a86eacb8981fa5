package profile

import "testing"

// A hook is measured as a whole, 10 calls of 1000 ns. A program with probes of its own takes 300 ns of each, its
// dispatch 20 ns, its probes 80 ns; it denied one of the two denied calls.
func TestWholeHookIsLessMeasuredPrograms(t *testing.T) {
	reading := func(ns uint64) (h Histogram) {
		h[Bucket(ns)] = 10
		return h
	}
	one, other := Workload{MntNS: 1, Comm: "one"}, Workload{MntNS: 2, Comm: "other"}
	s := Snapshot{
		Calibration: Calibration{
			Runs: 1, Bias: Median{Value: 10}, BiasHook: Median{Value: 50},
			Dispatch: Median{Value: 30}, DispatchNext: Median{Value: 20}, ProbeCost: Median{Value: 80},
		},
		Programs: []Program{
			{
				Hook: "file_open", Name: "hook, less 1 measured program",
				Scope: ScopeHook, Probe: ProbeHook, Timed: 20,
			},
			{Hook: "file_open", Name: "measured", ID: 1, Position: 1, Timed: 10},
		},
		Rows: []Row{
			{
				Program: 0, Syscall: "openat", Workload: one, Rules: RulesUnknown,
				Sum: 10_000, Denials: 2, Readings: reading(1000),
			},
			{
				Program: 0, Syscall: "openat", Workload: other, Rules: RulesUnknown,
				Sum: 10_000, Readings: reading(1000),
			},
			{
				Program: 1, Syscall: "openat", Workload: one, Rules: 3,
				Sum: 3_100, Denials: 1, Readings: reading(310),
			},
		},
	}
	costs, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	type figures struct {
		hook    float64
		denials uint64
	}
	for i, want := range []figures{
		{10 * (1000 - 50 - (300 + 20 + 80) + 30), 1},
		{10 * (300 + 20), 1},
		{10 * (1000 - 50 + 30), 0},
	} {
		if got := (figures{costs.Rows[i].Hook, costs.Rows[i].Denials}); got != want {
			t.Errorf("row %d, %s: %+v, want %+v", i, costs.Rows[i].Program.Label(), got, want)
		}
	}
	if q := costs.Rows[0].Quantile(0.99); q < 500 || q > 700 {
		t.Errorf("the 99th percentile of the remainder is %.0f ns, want about 580", q)
	}
}

// A total is measured beside all that runs within it, 10 calls of 2000 ns: a program of 300 ns with its dispatch of
// 30 ns and probes of 80 ns, and a function of 400 ns with probes of 100 ns. The function denied once, and a denial is
// left for a module that is not measured.
func TestTotalIsLessAllThatIsMeasured(t *testing.T) {
	reading := func(ns uint64) (h Histogram) {
		h[Bucket(ns)] = 10
		return h
	}
	s := Snapshot{
		Calibration: Calibration{
			Runs: 1, Bias: Median{Value: 10}, BiasFunction: Median{Value: 20}, Dispatch: Median{Value: 30},
			ProbeCost: Median{Value: 80}, ProbeCostFunction: Median{Value: 100},
		},
		Programs: []Program{
			{
				Hook: "file_open", Name: "security_file_open", Enforcer: "framework",
				Scope: ScopeFunction, Probe: ProbeTotal, Timed: 10,
			},
			{
				Hook: "file_open", Name: "apparmor_file_open", Enforcer: "apparmor",
				Scope: ScopeFunction, Probe: ProbeFunction, Timed: 10,
			},
			{Hook: "file_open", Name: "ref_file_open", Enforcer: "reference", ID: 1, Timed: 10},
		},
		Rows: []Row{
			{
				Program: 0, Syscall: "openat", Rules: RulesUnknown, Sum: 20_000, Denials: 2,
				Readings: reading(2000),
			},
			{
				Program: 1, Syscall: "openat", Rules: RulesUnknown, Sum: 4_200, Denials: 1,
				Readings: reading(420),
			},
			{Program: 2, Syscall: "openat", Rules: 8, Sum: 3_100, Readings: reading(310)},
		},
	}
	costs, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]struct {
		hook    float64
		denials uint64
	}{
		"framework": {10 * (2000 - 20 - (300 + 30 + 80) - (400 + 100)), 1},
		"apparmor":  {10 * 400, 1},
		"reference": {10 * (300 + 30), 0},
	}
	for _, row := range costs.Rows {
		if w := want[row.Program.Enforcer]; row.Hook != w.hook || row.Denials != w.denials {
			t.Errorf("%s: %.0f ns, %d denials, want %+v", row.Program.Enforcer, row.Hook, row.Denials, w)
		}
	}
	if got, want := s.ProbeCost(), 10.*(100+100+80); got != want {
		t.Errorf("the probes cost %.0f ns, want %.0f", got, want)
	}
}
