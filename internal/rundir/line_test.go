package rundir

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/profile"
)

// Lines through profile runs whose hook costs are a line: the interval holds the slope, and few are called bent, also
// where some calls are interrupted or the runs differ from each other.
func TestLinesOfRules(t *testing.T) {
	normal := func(sigma float64) func(*rand.Rand, float64) float64 {
		return func(r *rand.Rand, mean float64) float64 { return mean * (1 + sigma*r.NormFloat64()) }
	}
	interrupted := func(sigma, share, ns float64) func(*rand.Rand, float64) float64 {
		return func(r *rand.Rand, mean float64) float64 {
			v := mean * (1 + sigma*r.NormFloat64())
			if r.Float64() < share {
				v += ns * r.ExpFloat64()
			}
			return v
		}
	}
	const intercept, slope = 400, 40 // ns
	fits := benches(t, 60)
	for _, c := range []struct {
		name string
		draw func(r *rand.Rand, mean float64) float64
		runs float64 // spread of whole profile runs
	}{
		{"calls vary by 10 %", normal(0.10), 0},
		{"calls vary by 2 %", normal(0.02), 0},
		{"calls vary by 0.2 %", normal(0.002), 0},
		{"calls vary by 30 %", normal(0.30), 0},
		{"0.3 % interrupted by 5 µs", interrupted(0.10, 0.003, 5000), 0},
		{"0.1 % interrupted by 50 µs", interrupted(0.10, 0.001, 50000), 0},
		{"calls vary by 2 %, 0.3 % interrupted by 5 µs", interrupted(0.02, 0.003, 5000), 0},
		{"log-normal", func(r *rand.Rand,
			mean float64,
		) float64 {
			return mean * math.Exp(0.5*r.NormFloat64()-0.125)
		}, 0},
		{"profile runs 0.5 % apart", normal(0.10), 0.005},
		{"profile runs 2 % apart", normal(0.10), 0.02}, // more than 3 % off their line, often enough
	} {
		for _, xs := range [][]int{{1, 2, 4, 8}, {1, 4, 8}, {1, 2, 4, 8, 16, 32}} {
			for _, calls := range []int{300, 3000} {
				rng := rand.New(rand.NewPCG(51, uint64(calls)))
				held, bent := 0, 0
				for range fits {
					var points []stats.Point
					for _, x := range xs {
						var h profile.Histogram
						sum := 0.0
						run := (intercept + slope*float64(x)) * (1 + c.runs*rng.NormFloat64())
						for range calls {
							v := math.Max(1, math.Round(c.draw(rng, run)))
							h.Add(uint64(v))
							sum += v
						}
						above, err := interruptions(&h, sum)
						points = append(points, ruleCostAt(x, sum/float64(calls)-above, err))
					}
					l, err := stats.FitLine(points)
					if err != nil {
						t.Fatal(err)
					}
					if l.SlopeCI.Contains(slope) {
						held++
					}
					if l.Bent {
						bent++
					}
				}
				heldShare, bentShare := float64(held)/float64(fits), float64(bent)/float64(fits)
				t.Logf("%-46s %4d calls, %d points: interval holds the slope in %5.1f %%, not a "+
					"line in %4.1f %% of %d", c.name, calls, len(xs),
					100*heldShare, 100*bentShare, fits)
				slack := 3 * math.Sqrt(0.05*0.95/float64(fits))
				if math.Abs(heldShare-0.95) > 0.02+slack ||
					bentShare > 0.05+slack && c.runs < 0.02 {
					t.Errorf("%s, %d calls, %d points: interval holds the slope in %.1f %%, "+
						"want 93 to 97 %%; not a line in %.1f %%, want 5 %% at most", c.name,
						calls, len(xs), 100*heldShare, 100*bentShare)
				}
			}
		}
	}
}
