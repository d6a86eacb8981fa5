package forecast

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// machine is a simulated enforcer on a simulated machine. A call costs a fixed time, the walk to the root and the
// rules.
type machine struct {
	rng *rand.Rand
	// spread is by which whole profile runs differ, noise by which calls do, both as shares of the cost.
	spread, noise float64
	depth         float64 // standard deviation of the depth of paths, as a share of what the first rule adds
}

const simulatedCalls = 3000

// cost returns the true cost of a call, in ns. Hash chains make walks of many rules longer by up to 2 %.
func (machine) cost(at place, depth float64, n int) float64 {
	fixed, walk, each := 540.0, 150.0, 180.0
	switch at.kind() {
	case rules.File, rules.Exec:
		walk, each = 2100*depth, 210
		if at.hook == "path_rename" {
			walk, each = 2*walk, 2*each
		}
	case rules.Net:
		walk = 450
	}
	if n == 0 {
		return fixed + 150
	}
	return fixed + 150 + walk + each*float64(n)*(1+0.02*float64(n-1)/63)
}

func (m machine) measured(mean float64) (value, err float64) {
	mean *= 1 + m.spread*m.rng.NormFloat64()
	err = m.noise * mean / math.Sqrt(simulatedCalls)
	return mean + err*m.rng.NormFloat64(), err
}

func (m machine) randomDepth() float64 { return max(0.3, 1+m.depth*m.rng.NormFloat64()) }

// simulatedPlaces are the hooks of a test or a workload.
var simulatedPlaces = []place{
	{"ref_file_open", "file_open", "openat"},
	{"ref_path_rename", "path_rename", "renameat2"},
	{"ref_bprm_check_security", "bprm_check_security", "execve"},
	{"ref_socket_connect", "socket_connect", "connect"},
}

// bench simulates the profile runs of a benchmark under 0, 1, 2 and 4 rules.
func (m machine) bench(tests int) (out []observation) {
	for test := range tests {
		depth := m.randomDepth()
		for _, at := range simulatedPlaces {
			for _, n := range []int{0, 1, 2, 4} {
				mean, err := m.measured(m.cost(at, depth, n))
				out = append(out, observation{
					source: fmt.Sprint("test", test), at: at, enforcer: "reference", confined: true,
					rules: n,
					mean:  mean, err: err,
				})
			}
		}
	}
	return out
}

// workload simulates a recording under n rules.
func (m machine) workload(depth float64, n int) Workload {
	w := Workload{Name: "pod", Time: 1e9}
	for _, at := range simulatedPlaces {
		mean, err := m.measured(m.cost(at, depth, n))
		w.Rows = append(w.Rows, Row{
			Syscall: at.syscall, Hook: at.hook, Program: at.program, Enforcer: "reference", Rules: n,
			Calls: 1000 * math.Exp(m.rng.NormFloat64()), Mean: mean, Err: err,
		})
	}
	return w
}

// The 95 % interval of a forecast holds the truth in at least 90 of 100 simulated runs, and its value is near it.
func TestSimulatedIntervalsHoldTheTruth(t *testing.T) {
	runs, least := 100, 90
	if testing.Short() {
		runs, least = 10, 8
	}
	for _, c := range []struct {
		name          string
		spread, noise float64
		tests         int
	}{
		{"quiet", 0, 0.01, 2},
		{"calls vary by 10 %", 0, 0.1, 2},
		{"profile runs 0.5 % apart", 0.005, 0.1, 2},
		{"profile runs 2 % apart", 0.02, 0.1, 3},
		{"one test", 0.005, 0.1, 1},
	} {
		for _, from := range []int{0, 1, 4} {
			held, off := map[int]int{}, map[int]float64{}
			targets := []int{0, 1, 8, 16, 32, 64}
			m := machine{rand.New(rand.NewPCG(17, uint64(from))), c.spread, c.noise, 0.2}
			for range runs {
				model, err := fitModel(m.bench(c.tests))
				if err != nil {
					t.Fatal(err)
				}
				depth := m.randomDepth()
				w := m.workload(depth, from)
				for _, to := range targets {
					truth := 0.0
					for i := range w.Rows {
						truth += w.Rows[i].Calls * m.cost(w.Rows[i].place(), depth, to)
					}
					f := model.Forecast(&w, Rules{rules.File: to, rules.Exec: to, rules.Net: to})
					if f.Then.CI.Contains(truth) {
						held[to]++
					}
					off[to] += math.Abs(f.Then.Ns-truth) / truth / float64(runs)
				}
			}
			for _, to := range targets {
				t.Logf("%-26s %d -> %2d rules: the interval holds the truth in %3d of %d, %.1f %% off",
					c.name, from, to, held[to], runs, 100*off[to])
				if held[to] < least {
					t.Errorf("%s, %d -> %d rules: the interval holds the truth in %d of %d, not %d",
						c.name,
						from, to, held[to], runs, least)
				}
			}
		}
	}
}

// A model fitted to a recording alone holds its interval, too. Workloads under one number of rules each differ in
// depth, which shows as distance from the line.
func TestSimulatedRecordings(t *testing.T) {
	runs, least := 100, 90
	if testing.Short() {
		runs, least = 10, 8
	}
	for name, numbers := range map[string][][]int{
		"five workloads under five numbers":  {{1}, {2}, {4}, {8}, {12}},
		"workloads whose rules changed":      {{2, 6}, {4, 8}},
		"one workload whose rules changed":   {{2, 8}},
		"eight workloads, several unchanged": {{0}, {1}, {1}, {4}, {4}, {9}, {9}, {12}},
	} {
		for _, to := range []int{1, 8, 16, 32} {
			held := 0
			m := machine{rand.New(rand.NewPCG(19, uint64(to))), 0.005, 0.1, 0.2}
			for range runs {
				var all []Workload
				for i, ns := range numbers {
					depth := m.randomDepth()
					w := Workload{Name: fmt.Sprint("pod", i), Time: 1e9}
					for _, n := range ns {
						w.Rows = append(w.Rows, m.workload(depth, n).Rows...)
					}
					all = append(all, w)
				}
				model, err := FitWorkloads(all)
				if err != nil {
					t.Fatal(err)
				}
				depth, truth := m.randomDepth(), 0.0
				w := m.workload(depth, 4)
				for i := range w.Rows {
					truth += w.Rows[i].Calls * m.cost(w.Rows[i].place(), depth, to)
				}
				if model.Forecast(&w, Rules{
					rules.File: to, rules.Exec: to,
					rules.Net: to,
				}).Then.CI.Contains(truth) {
					held++
				}
			}
			t.Logf("%-34s 4 -> %2d rules: the interval holds the truth in %3d of %d", name, to, held, runs)
			if held < least {
				t.Errorf("%s, 4 -> %d rules: the interval holds the truth in %d of %d, not %d", name,
					to, held, runs,
					least)
			}
		}
	}
}
