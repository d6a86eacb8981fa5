package profile

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// shapes are distributions of readings, in ns, as hooks have them and worse.
var shapes = map[string]func(*rand.Rand) float64{
	"uniform":     func(r *rand.Rand) float64 { return r.Float64() * 1e5 },
	"exponential": func(r *rand.Rand) float64 { return r.ExpFloat64() * 600 },
	"lognormal":   func(r *rand.Rand) float64 { return math.Exp(6 + 1.5*r.NormFloat64()) },
	"narrow":      func(r *rand.Rand) float64 { return 2200 + 15*r.NormFloat64() },
	"bimodal":     func(r *rand.Rand) float64 { return []float64{150, 5600}[r.IntN(2)] + r.NormFloat64()*20 },
	"constant":    func(*rand.Rand) float64 { return 166 },
	"low edge":    func(r *rand.Rand) float64 { return float64(int(1) << r.IntN(20)) },
	"high edge":   func(r *rand.Rand) float64 { return float64(int(1)<<r.IntN(20)) - 1 },
	"tiny":        func(r *rand.Rand) float64 { return float64(r.IntN(12)) },
	"long tail":   func(r *rand.Rand) float64 { return 100 / math.Pow(1-r.Float64(), 2) },
	"interrupted": func(r *rand.Rand) float64 {
		return 2200 + 20*r.NormFloat64() + float64(r.IntN(300)/299*5000)
	},
	"beyond it all": func(r *rand.Rand) float64 { return 1e9 + 1e9*r.Float64() },
}

var someQuantiles = []float64{0, 0.01, 0.25, 0.5, 0.9, 0.99, 1}

// draw returns some readings of a shape, sorted.
func draw(rng *rand.Rand, shape func(*rand.Rand) float64) []uint64 {
	readings := make([]uint64, 1+rng.IntN(2000))
	for i := range readings {
		readings[i] = uint64(min(max(shape(rng), 0), 1<<40))
	}
	slices.Sort(readings)
	return readings
}

// exact returns the quantile of sorted readings.
func exact(readings []uint64, q float64) float64 {
	return float64(readings[max(int(math.Ceil(q*float64(len(readings)))), 1)-1])
}

func TestQuantileIsInTheBucketOfTheExactOne(t *testing.T) {
	var errors []float64
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			for range 200 {
				readings := draw(rng, shape)
				c := Cost{Row: row(0, "openat", nginx, 8, readings...)}
				last := 0.0
				for _, q := range someQuantiles {
					got, want := c.Quantile(q), exact(readings, q)
					if Bucket(uint64(got)) != Bucket(uint64(want)) {
						t.Fatalf("quantile %g: %g ns, not in the bucket of %g ns", q, got, want)
					}
					if got < last {
						t.Fatalf("quantile %g of %d readings: %g ns, a lower one is %g ns", q,
							len(readings), got, last)
					}
					last = got
					if want >= 32 && want < 1<<16 {
						errors = append(errors, math.Abs(got-want)/want)
					}
				}
			}
		})
	}
	slices.Sort(errors)
	if usual := errors[len(errors)*3/4]; usual > 0.05 {
		t.Errorf("three quarters of the quantiles from 32 ns to 64 µs are off by at most %.1f %%, want 5 %%",
			100*usual)
	}
}

// The mean of one call, and of equal calls, is known exactly. No quantile may say anything else.
func TestQuantilesOfEqualCallsAreTheirMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		reading, n := 32+rng.Uint64N(1<<rng.IntN(40)), 1+rng.IntN(50) // the bias is in a bucket below
		r := row(0, "openat", nginx, 8, repeat(reading, n)...)
		r.Preempted = rng.Uint64N(3)
		cal := calibrated
		cal.Runs = rng.IntN(2) // half of them without a calibration
		untimed := Row{Workload: host, Preempted: rng.Uint64N(2)}
		costs := costs(t, one(Program{Missed: rng.Uint64N(3)}, cal, r, untimed))
		group := costs.Groups(func(c *Cost) string { return c.Name })
		for i := range costs.Rows {
			for _, q := range someQuantiles {
				c, g := &costs.Rows[i], &group[i]
				if !near(c.Quantile(q), c.Mean()) || !near(g.Quantile(q), g.Mean()) {
					t.Fatalf("%d calls of %d ns: quantile %g is %g ns, grouped %g ns; want %g ns",
						n, reading, q, c.Quantile(q), g.Quantile(q), c.Mean())
				}
			}
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b)) }

// A few interrupts raise the mean of otherwise constant readings. They must not move the median.
func TestMedianOfInterruptedCalls(t *testing.T) {
	for _, constant := range []uint64{20, 166, 2200, 8670, 99_999} {
		for _, interrupted := range []uint64{1, 3} {
			readings := append(repeat(constant, 1000), repeat(constant+7000, int(interrupted))...)
			c := Cost{Row: row(0, "openat", nginx, 8, readings...)}
			if got := c.Quantile(0.5); math.Abs(got-float64(constant)) > 0.02*float64(constant)+1 {
				t.Errorf("%d of 1000 calls of %d ns interrupted: median %g ns", interrupted, constant,
					got)
			}
		}
	}
}

// Whatever rows a group has, its quantiles rise, and its mean is between the lowest and the highest.
func TestQuantilesOfGroupsEncloseTheMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	kinds := []ProbeKind{ProbeEvery, ProbeSelective, ProbeSleepable}
	for _, shape := range shapes {
		for range 50 {
			s := Snapshot{Calibration: everyKind}
			for i := range 1 + rng.IntN(4) {
				r := row(i, "openat", nginx, 8, draw(rng, shape)...)
				s.Rows = append(s.Rows, r)
				s.Programs = append(s.Programs, Program{
					Name: "p", Position: rng.IntN(2), Probe: kinds[rng.IntN(3)],
					Timed: r.Readings.Count(), Missed: rng.Uint64N(9),
				})
			}
			g := costs(t, s).Groups(func(*Cost) string { return "" })[0]
			lowest, highest := g.Quantile(0), g.Quantile(1)
			if mean := g.Mean(); lowest > mean*1.000001 || highest < mean*0.999999 {
				t.Fatalf("quantiles from %g to %g ns, mean %g ns", lowest, highest, mean)
			}
			for i, q := range someQuantiles[1:] {
				if before := someQuantiles[i]; g.Quantile(before) > g.Quantile(q) {
					t.Fatalf("quantile %g is %g ns, quantile %g is %g ns", before,
						g.Quantile(before), q, g.Quantile(q))
				}
			}
		}
	}
}

func TestQuantileWithoutCalls(t *testing.T) {
	if got := (&Cost{}).Quantile(0.5); got != 0 {
		t.Errorf("median of nothing: %g ns", got)
	}
	if got := (&Group{}).Quantile(0.99); got != 0 {
		t.Errorf("p99 of an empty group: %g ns", got)
	}
}
