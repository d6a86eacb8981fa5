package profile

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// one returns a snapshot of one program with these rows.
func one(p Program, c Calibration, rows ...Row) Snapshot {
	for i := range rows {
		p.Timed += rows[i].Readings.Count()
		p.Preempted += rows[i].Preempted
	}
	return Snapshot{Calibration: c, Programs: []Program{p}, Rows: rows}
}

func costs(t *testing.T, s Snapshot) *Costs {
	t.Helper()
	c, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

var calibrated = Calibration{
	Runs: 10, Bias: Median{Value: 160}, Dispatch: Median{Value: 150},
	DispatchNext: Median{Value: 25},
}

var everyKind = Calibration{
	Runs: 10, Bias: Median{Value: 160}, Dispatch: Median{Value: 150}, DispatchNext: Median{Value: 25},
	BiasSelective: Median{Value: 170}, BiasSleepable: Median{Value: 300}, DispatchSleepable: Median{Value: 170},
}

func TestHookCostIsBodyAndDispatch(t *testing.T) {
	for _, test := range []struct {
		name       string
		program    Program
		cal        Calibration
		body, hook float64 // of 10 calls that read 1160 each
	}{
		{"first on its hook", Program{}, calibrated, 10000, 11500},
		{"second on its hook", Program{Position: 1}, calibrated, 10000, 10250},
		{"whole hook", Program{Scope: ScopeHook}, calibrated, 10000, 11500},
		{"selective probes", Program{Probe: ProbeSelective}, everyKind, 9900, 11400},
		{"sleepable", Program{Probe: ProbeSleepable}, everyKind, 8600, 10300},
		{"sleepable, second on its hook", Program{Probe: ProbeSleepable, Position: 1}, everyKind, 8600, 9050},
		{"selective probes, an earlier calibration", Program{Probe: ProbeSelective}, calibrated, 10000, 11500},
		{"sleepable, an earlier calibration", Program{Probe: ProbeSleepable}, calibrated, 10000, 11500},
		{"not calibrated", Program{}, Calibration{Bias: Median{Value: 160}}, 11600, 11600},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := costs(t,
				one(test.program, test.cal, row(0, "openat", nginx, 8, repeat(1160, 10)...))).Rows[0]
			if c.Calls != 10 || c.Body != test.body || c.Hook != test.hook || c.Mean() != test.hook/10 {
				t.Errorf("calls %d, body %g, hook %g, mean %g; want 10, %g, %g, %g", c.Calls, c.Body,
					c.Hook, c.Mean(), test.body, test.hook, test.hook/10)
			}
			if p50 := c.Quantile(0.5); math.Abs(p50-test.hook/10) > Tolerance*1160 {
				t.Errorf("p50 %g is not within the tolerance of %g", p50, test.hook/10)
			}
		})
	}
}

func TestPreemptedAndMissedCallsCostWhatTimedOnesCost(t *testing.T) {
	r := row(0, "openat", nginx, 8, repeat(1160, 80)...)
	r.Preempted = 10
	c := costs(t, one(Program{Missed: 10}, calibrated, r)).Rows[0]
	if c.Calls != 100 || math.Abs(c.Body-100*1000) > 1e-6 || math.Abs(c.Hook-100*1150) > 1e-6 {
		t.Errorf("calls %d, body %g, hook %g; want 100, 100000, 115000", c.Calls, c.Body, c.Hook)
	}
}

func TestScaledRowsAddUpToTheTrueNumber(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		var rows []Row
		for i := range 1 + rng.IntN(40) {
			r := row(0, "openat", nginx, i, repeat(500, rng.IntN(30))...)
			r.Preempted = rng.Uint64N(3)
			rows = append(rows, r)
		}
		s := one(Program{Missed: rng.Uint64N(500)}, calibrated, rows...)
		if s.Total().Timed == 0 {
			continue
		}
		var calls uint64
		for _, c := range costs(t, s).Rows {
			calls += c.Calls
		}
		if want := s.Total().Calls(); calls != want {
			t.Fatalf("rows add up to %d calls, the program ran %d times", calls, want)
		}
	}
}

func TestReadingsBelowTheBiasCostNothingAndAreCounted(t *testing.T) {
	c := costs(t, one(Program{}, calibrated,
		row(0, "openat", nginx, 1, repeat(100, 5)...), row(0, "openat", nginx, 2, repeat(200, 5)...)))
	if low := c.Rows[0]; low.Body != 0 || low.Hook != 5*150 || low.Quantile(0.5) < 0 || c.Clamped != 1 {
		t.Errorf("body %g, hook %g, p50 %g, %d clamped; want 0, 750, >= 0, 1", low.Body, low.Hook,
			low.Quantile(0.5), c.Clamped)
	}
	if c.Rows[1].Body != 5*40 {
		t.Errorf("the other row: body %g, want 200", c.Rows[1].Body)
	}
}

func TestRowWithoutATimeIsChargedItsDispatch(t *testing.T) {
	r := Row{Workload: nginx, Preempted: 3}
	c := costs(t, one(Program{}, calibrated, r))
	if got := c.Rows[0]; got.Calls != 3 || got.Body != 0 || got.Hook != 450 || c.Untimed != 3 {
		t.Errorf("calls %d, body %g, hook %g, %d untimed; want 3, 0, 450, 3", got.Calls, got.Body, got.Hook,
			c.Untimed)
	}
}

func TestRowsOfOneKeyAreMerged(t *testing.T) {
	s := one(Program{}, calibrated, row(0, "openat", nginx, 8, 300), row(0, "openat", nginx, 8, 500),
		row(0, "openat", nginx, 2, 500))
	c := costs(t, s)
	if len(c.Rows) != 2 || c.Rows[1].Calls != 2 || c.Rows[1].Sum != 800 {
		t.Errorf("got %d rows, the last with %d calls; want 2 rows, the last with 2 calls", len(c.Rows),
			c.Rows[len(c.Rows)-1].Calls)
	}
	if s.Rows[0].Sum != 300 {
		t.Error("Costs changed the snapshot")
	}
}

func TestRowWithoutAProgramIsAnError(t *testing.T) {
	if _, err := (Snapshot{Rows: []Row{{Program: 1}}}).Costs(); err == nil ||
		!strings.Contains(err.Error(), "row 0 is of program 1, the snapshot has 0") {
		t.Errorf("got %v", err)
	}
}

func TestWarningsFollowFromTheNumbers(t *testing.T) {
	for _, test := range []struct {
		name string
		s    Snapshot
		want string
	}{
		{"clean", one(Program{}, calibrated, row(0, "openat", nginx, 1, 900)), ""},
		{"uncalibrated", one(Program{}, Calibration{}, row(0, "openat", nginx, 1, 900)), "not calibrated"},
		{
			"clamped", one(Program{}, calibrated, row(0, "openat", nginx, 1, 90)),
			"1 of 1 rows read less than the bias",
		},
		{"untimed", one(Program{}, calibrated, Row{Preempted: 2}), "2 calls are in rows without a single time"},
		{
			"missed", one(Program{Name: "p", Missed: 1}, calibrated, row(0, "openat", nginx, 1, 900)),
			"p: 50.00 % of 2 calls timed",
		},
		{
			"missed on a hook", one(Program{Hook: "capable", Scope: ScopeHook, Missed: 1}, calibrated),
			"lsm/capable: 0.00 %",
		},
		{
			"no counter left", one(Program{Name: "p"}, calibrated, row(0, "openat", nginx, 1, 900),
				row(0, SyscallOverflow, Workload{}, RulesUnknown, 900, 900)),
			"p: 2 of 3 calls are charged to [other], because no counter was free",
		},
	} {
		got := fmt.Sprint(costs(t, test.s).Warnings())
		if test.want == "" && got != "[]" || !strings.Contains(got, test.want) {
			t.Errorf("%s: warnings %q, want %q", test.name, got, test.want)
		}
	}
}
