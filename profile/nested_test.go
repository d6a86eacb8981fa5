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
