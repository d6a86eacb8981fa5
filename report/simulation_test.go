package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// simulated is a run whose slices vary by noise, and whose measurements are off by offset for the whole run, both in
// logarithms.
func simulated(rng *rand.Rand, rounds int, noise func() float64, offset, loss float64) *Report {
	const tests, scenarios, slices = 10, 6, 5
	run := &rundir.Run{
		Info: rundir.Info{
			Schema: rundir.RunSchema, Enforcer: "none", Start: time.Unix(rng.Int64N(1e9), 0),
			Plan: rundir.Plan{
				Order: rundir.Interleaved, Seed: rng.Uint64(), Runs: rounds / 4,
				Slice: 50 * time.Millisecond,
			},
		},
		Explained: map[string]map[string]rundir.Explained{},
	}
	p := &run.Info.Plan
	p.Scenarios = rundir.SameScenarios(scenarios + 1)
	for i := range tests {
		t := rundir.Test{Name: fmt.Sprintf("t%d", i), Unit: "lps", Kind: rundir.BuiltIn}
		p.Tests = append(p.Tests, t)
		off := make([]float64, len(p.Scenarios))
		for k := range off {
			off[k] = offset * rng.NormFloat64()
		}
		for n := range rounds {
			for k, s := range p.Scenarios {
				r := rundir.Result{Round: n, Test: t.Name, Scenario: s.Name}
				for range slices {
					ops := 1e5 * math.Exp(noise()+off[k])
					if i == 0 && k == 1 {
						ops *= 1 - loss
					}
					r.Ops, r.Ns, r.Slices = r.Ops+ops, r.Ns+5e7,
						append(r.Slices, [2]float64{ops, 5e7})
				}
				run.Results = append(run.Results, r)
			}
		}
	}
	return newReport(run)
}

// Two runs that do not differ show a difference in at most 5 % of comparisons, however they vary and even if every
// measurement of a run is off for the whole run. With LSMPROF_BENCHES=N the test compares N runs of 12 rounds and N of
// 40 rounds of each kind.
func TestUnchangedRuns(t *testing.T) {
	n, publish := 6, false
	if testing.Short() { // under the race detector
		n = 1
	}
	if v, err := strconv.Atoi(os.Getenv("LSMPROF_BENCHES")); err == nil {
		n, publish = v, true
	}
	rng := rand.New(rand.NewPCG(61, 62))
	normal := func(sigma float64) func() float64 { return func() float64 { return sigma * rng.NormFloat64() } }
	spiky := func() float64 {
		x := 0.005 * rng.NormFloat64()
		if rng.Float64() < 0.05 {
			x -= 0.2 * rng.Float64()
		}
		return x
	}
	skewed := func() float64 { return -0.001 * math.Exp(2*rng.NormFloat64()) }
	all, allAlarms := 0, 0
	for i, c := range []struct {
		name     string
		old, new func() float64
		offset   float64
	}{
		{"both quiet", normal(0.005), normal(0.005), 0},
		{"the new one five times as noisy", normal(0.005), normal(0.025), 0},
		{"the old one five times as noisy", normal(0.025), normal(0.005), 0},
		{"both with rare slow slices", spiky, spiky, 0},
		{"the old one with rare slow slices", spiky, normal(0.005), 0},
		{"the old one skewed", skewed, normal(0.002), 0},
		{"measurements 0.05 % off", normal(0.005), normal(0.005), 0.0005},
		{"measurements 0.1 % off", normal(0.005), normal(0.005), 0.001},
		{"measurements 0.3 % off", normal(0.005), normal(0.005), 0.003},
	} {
		if testing.Short() && i > 1 {
			break
		}
		counts := []int{12, 40}
		if !publish {
			counts = counts[i%2 : i%2+1]
		}
		for _, rounds := range counts {
			worse, alarms := 0, 0
			for range n {
				older := simulated(rng, rounds, c.old, c.offset, 0)
				newer := simulated(rng, rounds, c.new, c.offset, 0).Compare(older)
				if len(newer.Regressions(0)) > 0 {
					worse++
				}
				if len(newer.Comparison.differing()) > 0 {
					alarms++
				}
			}
			all, allAlarms = all+n, allAlarms+alarms
			share := float64(alarms) / float64(n)
			t.Logf("%-34s %d rounds: a difference in %4.1f %%, a regression in %4.1f %% of %d comparisons",
				c.name, rounds, 100*share, 100*float64(worse)/float64(n), n)
			if share > atMost(n) {
				t.Errorf("%s, %d rounds: a difference in %.1f %% of comparisons, want 5 %%", c.name,
					rounds, 100*share)
			}
		}
	}
	if share := float64(allAlarms) / float64(all); share > atMost(all) {
		t.Errorf("a difference in %.1f %% of all comparisons, want 5 %%", 100*share)
	}
	found := 0
	for range n {
		older, newer := simulated(rng, 40, normal(0.011), 0, 0), simulated(rng, 40, normal(0.011), 0, 0.02)
		for _, d := range newer.Compare(older).Regressions(0) {
			if d.Test == "t0" && d.Scenario == "same-1" {
				found++
			}
		}
	}
	t.Logf("a cell that loses 2 points more is found in %.0f %% of %d comparisons of 40 rounds",
		100*float64(found)/float64(n), n)
	if found < n*8/10 {
		t.Errorf("a cell that loses 2 points more is found in %d of %d comparisons", found, n)
	}
}

// atMost is the largest share of n comparisons that may be wrong if 5 % are, give or take three standard errors.
func atMost(n int) float64 { return 0.05 + 3*math.Sqrt(0.05*0.95/float64(n)) }
