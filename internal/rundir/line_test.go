package rundir

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/profile"
)

// Lines through profile runs whose hook costs are a line: the interval holds the slope, and few are called bent, also
// where some calls are interrupted or the runs differ from each other. FitLine was chosen by lines of these kinds with
// other seeds.
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
	fits := benches(t, 100)
	allHeld, all := 0, 0
	for kind, c := range []struct {
		name             string
		draw             func(r *rand.Rand, mean float64) float64
		runs             float64 // spread of whole profile runs
		intercept, slope float64 // in ns
	}{
		{"calls vary by 10 %", normal(0.10), 0, 400, 40},
		{"calls vary by 2 %", normal(0.02), 0, 400, 40},
		{"calls vary by 0.2 %", normal(0.002), 0, 400, 40},
		{"calls vary by 30 %", normal(0.30), 0, 400, 40},
		{"0.3 % interrupted by 5 µs", interrupted(0.10, 0.003, 5000), 0, 400, 40},
		{"0.1 % interrupted by 50 µs", interrupted(0.10, 0.001, 50000), 0, 400, 40},
		{"calls vary by 2 %, 0.3 % interrupted by 5 µs", interrupted(0.02, 0.003, 5000), 0, 400, 40},
		{"log-normal", func(r *rand.Rand, mean float64) float64 {
			return mean * math.Exp(0.5*r.NormFloat64()-0.125)
		}, 0, 400, 40},
		{"profile runs 0.5 % apart", normal(0.10), 0.005, 400, 40},
		{"profile runs 2 % apart", normal(0.10), 0.02, 400, 40}, // more than 3 % off their line, often enough
		{"cheap hooks, runs 0.1 % apart", normal(0.05), 0.001, 30, 6},
		{"dear hooks, runs 1 % apart", normal(0.001), 0.01, 2500, 25},
		{"steep, exponential", func(r *rand.Rand, mean float64) float64 {
			return mean * (0.8 + 0.2*r.ExpFloat64())
		}, 0, 300, 150},
		{"cheap hooks, 0.05 % interrupted by 100 µs", interrupted(0.03, 0.0005, 100000), 0, 30, 6},
		{"cheap hooks, 0.2 % interrupted by 15 µs", interrupted(0.05, 0.002, 15000), 0, 60, 10},
		{
			"dear hooks, 0.3 % interrupted by 20 µs, runs 0.3 % apart", interrupted(0.05, 0.003, 20000),
			0.003,
			2000, 60,
		},
		{"0.1 % interrupted by 50 µs, runs 0.5 % apart", interrupted(0.10, 0.001, 50000), 0.005, 400, 40},
		{"0.1 % interrupted by 50 µs, runs 1 % apart", interrupted(0.10, 0.001, 50000), 0.01, 400, 40},
	} {
		for _, xs := range [][]int{{1, 4, 8}, {1, 2, 4, 8}, {1, 2, 4, 8, 16}, {1, 2, 4, 8, 16, 32}} {
			for _, calls := range []int{300, 3000} {
				rng := rand.New(rand.NewPCG(71+uint64(kind)<<16, uint64(calls*10+len(xs))))
				held, bent := 0, 0
				for range fits {
					var points []stats.Point
					for _, x := range xs {
						run := (c.intercept + c.slope*float64(x)) *
							(1 + c.runs*rng.NormFloat64())
						h, sum := profiled(calls, func() float64 { return c.draw(rng, run) })
						above, scatter, rare := interruptions(h, sum)
						points = append(points, ruleCostAt(x, sum/float64(calls)-above,
							&ExplainedRow{
								Err: errorOf(scatter, rare), Scatter: scatter,
								Rare: rare,
							}))
					}
					l, err := stats.FitLine(points)
					if err != nil {
						t.Fatal(err)
					}
					if l.SlopeCI.Contains(c.slope) {
						held++
					}
					if l.Bent {
						bent++
					}
				}
				allHeld, all = allHeld+held, all+fits
				heldShare, bentShare := float64(held)/float64(fits), float64(bent)/float64(fits)
				t.Logf("%-56s %4d calls, %d points: interval holds the slope in %5.1f %%, not a "+
					"line in %4.1f %% of %d", c.name, calls, len(xs),
					100*heldShare, 100*bentShare, fits)
				// Four standard errors: about 150 rows are looked at.
				slack := 4 * math.Sqrt(0.05*0.95/float64(fits))
				if fits > 10 && math.Abs(heldShare-0.95) > 0.02+slack ||
					bentShare > 0.05+slack && c.runs < 0.02 {
					t.Errorf("%s, %d calls, %d points: interval holds the slope in %.1f %%, "+
						"want 93 to 97 %%; not a line in %.1f %%, want 5 %% at most", c.name,
						calls, len(xs), 100*heldShare, 100*bentShare)
				}
			}
		}
	}
	if share := float64(allHeld) / float64(all); all > 5000 && math.Abs(share-0.95) > 0.01 {
		t.Errorf("intervals hold the slope in %.1f %% of all %d fits, want 95 %%", 100*share, all)
	}
}

// bucketOf has the buckets of short readings: profile.Histogram.Add would take most of the time.
var bucketOf = func() (all [4096]uint8) {
	for v := range all {
		all[v] = uint8(profile.Bucket(uint64(v)))
	}
	return all
}()

// profiled returns the readings of calls that take at least 1 ns, and their sum.
func profiled(calls int, draw func() float64) (h *profile.Histogram, sum float64) {
	h = &profile.Histogram{}
	for range calls {
		v := math.Max(1, math.Round(draw()))
		sum += v
		if v < float64(len(bucketOf)) {
			h[bucketOf[int(v)]]++
		} else {
			h.Add(uint64(v))
		}
	}
	return h, sum
}

// The mean without interruptions, and its error, where buckets are wide and calls skewed.
func TestInterruptions(t *testing.T) {
	repeat := func(n int, v float64) []float64 { return slices.Repeat([]float64{v}, n) }
	even := make([]float64, 1000)
	for i := range even {
		even[i] = 513 + 126*float64(i)/1000 // one bucket
	}
	for _, c := range []struct {
		name            string
		readings        []float64
		mean, tolerance float64
		err, most       float64
	}{
		{"none", nil, 0, 0, 0.5, 0.5},
		{"all alike", repeat(1000, 500), 500, 0, 0.5, 1},
		{"spread over one bucket", even, 576, 1, 1, 2},
		// A bucket of 32,768 ns, 164 ns per call, says less than the buckets of the other calls.
		{"one long interruption", append(repeat(199, 36), 70_000), 36, 4, 0.5, 3},
		{"longer than the last bucket", append(repeat(199, 36), 2e7), 36, 4, 0.5, 3},
		{"only calls of the last bucket", repeat(10, 2e7), 2e7, 0, 0.5, 0.5},
	} {
		var h profile.Histogram
		sum := 0.0
		for _, v := range c.readings {
			h.Add(uint64(v))
			sum += math.Floor(v)
		}
		above, scatter, rare := interruptions(&h, sum)
		err := errorOf(scatter, rare)
		mean := sum/math.Max(1, float64(len(c.readings))) - above
		if math.Abs(mean-c.mean) > c.tolerance || err < c.err || err > c.most {
			t.Errorf("%s: %.1f ± %.1f ns, want %.1f within %g ± %g to %g", c.name, mean, err, c.mean,
				c.tolerance, c.err, c.most)
		}
	}
}
