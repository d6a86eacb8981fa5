package rundir

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// benches returns how many benches a simulation runs: few, or LSMPROF_BENCHES for figures that are to be published. The
// -short form is for the race detector, under which a simulation takes ten times as long.
func benches(t *testing.T, few int) int {
	t.Helper()
	if testing.Short() {
		few = 2
	}
	if n, err := strconv.Atoi(os.Getenv("LSMPROF_BENCHES")); err == nil {
		return n
	}
	return few
}

// atMost is the largest share of n benches in which something may happen that has probability p, give or take three
// standard errors.
func atMost(p float64, n int) float64 { return p + 3*math.Sqrt(p*(1-p)/float64(n)) }

// Of benches of identical scenarios at most 5 % call any cell significant, whatever the noise, and intervals hold the
// truth.
func TestFalseAlarms(t *testing.T) {
	n := benches(t, 40)
	const rounds = 40
	all, allAlarms := 0, 0
	for _, m := range machineModels {
		rng := rand.New(rand.NewPCG(21, rounds))
		alarms, gains, covered, cells, bias := 0, 0, 0, 0, 0.0
		for b := range n {
			p := simulatedPlan(10, 6, rounds/RoundsPerRun, b%2 == 0, uint64(b)*7919)
			a := Analyze(p, simulate(p, rng, m.make(), m.copies, rounds, noLoss), nil)
			alarm := false
			for _, c := range a.Cells {
				if p.IsBaseline(c.Scenario) {
					continue
				}
				cells++
				bias += c.Loss
				if c.CI.Contains(0) {
					covered++
				}
				if c.Significant {
					alarm = true
					if c.Loss < 0 {
						gains++
					}
				}
			}
			if alarm {
				alarms++
			}
		}
		all, allAlarms = all+n, allAlarms+alarms
		share, coverage := float64(alarms)/float64(n), float64(covered)/float64(cells)
		t.Logf("%-36s alarms in %4.1f %% of %d benches (%d gains); intervals hold 0 in %.1f %%; bias %+.4f "+
			"points", m.name, 100*share, n, gains,
			100*coverage, 100*bias/float64(cells))
		if share > atMost(0.05, n) {
			t.Errorf("%s: %.1f %% of %d benches raise a false alarm, want 5 %%", m.name, 100*share, n)
		}
		if coverage < 0.9 && !testing.Short() {
			t.Errorf("%s: the 95 %% intervals hold the truth in %.1f %%", m.name, 100*coverage)
		}
	}
	if share := float64(allAlarms) / float64(all); share > atMost(0.05, all) {
		t.Errorf("%.1f %% of all benches raise a false alarm, want 5 %%", 100*share)
	}
}

// The smallest loss that would have shown, as printed, is found in four of five benches.
func TestPowerIsAsPrinted(t *testing.T) {
	n := benches(t, 40)
	for _, c := range []struct{ tests, scenarios, rounds int }{
		{1, 1, 12},
		{1, 1, 40},
		{10, 6, 12},
		{10, 6, 24},
		{10, 6, 40},
	} {
		rng := rand.New(rand.NewPCG(31, uint64(c.rounds)))
		measure := func(seed int, loss float64) []Cell {
			p := simulatedPlan(c.tests, c.scenarios, c.rounds/RoundsPerRun, false, uint64(seed))
			return Analyze(p, simulate(p, rng, normalNoise(0.01), 0, c.rounds,
				func(test, scenario int) float64 {
					if test == 0 && scenario == 1 {
						return loss
					}
					return 0
				}), nil).Cells
		}
		printed, cells := 0.0, 0.0
		for b := range 10 + 200/(c.tests*c.scenarios) {
			for _, cell := range measure(b, 0) {
				if cell.Detectable > 0 {
					printed, cells = printed+cell.Detectable, cells+1
				}
			}
		}
		loss, found := printed/cells, 0
		for b := range n {
			for _, cell := range measure(1000+b, loss) {
				if cell.Test == "t0" && cell.Scenario == "same-1" && cell.Significant {
					found++
				}
			}
		}
		share := float64(found) / float64(n)
		t.Logf("%2d cells, %2d rounds: a loss of %.2f %%, the smallest that would have shown, is found in "+
			"%.0f %% of %d benches", c.tests*c.scenarios, c.rounds,
			100*loss, 100*share, n)
		if slack := 0.05 + 3*math.Sqrt(0.8*0.2/float64(n)); math.Abs(share-0.8) > slack {
			t.Errorf("%d cells, %d rounds: a loss of %.2f %% is found in %.0f %%, want 80 %%",
				c.tests*c.scenarios, c.rounds, 100*loss, 100*share)
		}
	}
}
