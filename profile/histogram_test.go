package profile

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBucketsCoverEverythingInOrder(t *testing.T) {
	next := uint64(0)
	for i := range Buckets {
		lo, hi := Bounds(i)
		if lo != next || hi <= lo {
			t.Fatalf("bucket %d is [%d, %d), want it to start at %d", i, lo, hi, next)
		}
		if Bucket(lo) != i || Bucket(hi-1) != i {
			t.Errorf("bucket %d [%d, %d): its ends are in buckets %d and %d", i, lo, hi, Bucket(lo),
				Bucket(hi-1))
		}
		next = hi
	}
	if next != math.MaxUint64 || Bucket(1<<24) != Buckets-1 || Bucket(1<<24-1) != Buckets-2 {
		t.Error("the last bucket does not hold 2^24 ns and more")
	}
}

// The probes look up the bucket of a reading by its bits from 10 or 20 on.
func TestTablesOfBucketsAreExact(t *testing.T) {
	for _, v := range bounds {
		if v >= 1<<12 && v%(1<<10) != 0 || v >= 1<<22 && v%(1<<20) != 0 {
			t.Errorf("a bucket begins at %d, which the tables of the probes cannot say", v)
		}
	}
}

// toleranceOf returns how far Quantile may be from a value.
func toleranceOf(v float64) float64 {
	switch {
	case v < 32:
		return math.Inf(1)
	case v < 1<<16:
		return Tolerance
	}
	return 0.5
}

func TestQuantileWithinTolerance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	distributions := map[string]func() float64{
		"uniform":     func() float64 { return rng.Float64() * 1e5 },
		"exponential": func() float64 { return rng.ExpFloat64() * 600 },
		"lognormal":   func() float64 { return math.Exp(6 + 1.5*rng.NormFloat64()) },
		"bimodal":     func() float64 { return []float64{150, 5600}[rng.IntN(2)] + rng.NormFloat64()*20 },
		"constant":    func() float64 { return 166 },
		"low edge":    func() float64 { return float64(int(1) << rng.IntN(20)) },
		"high edge":   func() float64 { return float64(int(1)<<rng.IntN(20)) - 1 },
		"short":       func() float64 { return float64(32 + rng.IntN(32)) },
		"long tail":   func() float64 { return 100 / math.Pow(1-rng.Float64(), 2) },
	}
	for name, draw := range distributions {
		t.Run(name, func(t *testing.T) {
			for range 300 {
				var h Histogram
				values := make([]uint64, 1+rng.IntN(2000))
				for i := range values {
					// Beyond the last bucket's start only its lower bound is known.
					values[i] = uint64(min(max(draw(), 0), 0.99*(1<<24)))
					h.Add(values[i])
				}
				slices.Sort(values)
				for _, q := range []float64{0, 0.01, 0.25, 0.5, 0.9, 0.99, 1} {
					rank := max(int(math.Ceil(q*float64(len(values)))), 1)
					exact := float64(values[rank-1])
					if got := h.Quantile(q); math.Abs(got-exact) > toleranceOf(exact)*exact {
						t.Fatalf("quantile %g of %d values: %g, exactly %g", q, len(values),
							got, exact)
					}
				}
			}
		})
	}
}

func TestQuantileAtTheEnds(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("median of nothing: %g", got)
	}
	h.Add(1 << 40)
	if lo, _ := Bounds(Buckets - 1); h.Quantile(0.99) != float64(lo) {
		t.Errorf("quantile in the open bucket: %g, want its lower bound %d", h.Quantile(0.99), lo)
	}
}

func TestMergeIsAddingAll(t *testing.T) {
	var both, a, b Histogram
	for v := range uint64(5000) {
		both.Add(v * v)
		if v%3 == 0 {
			a.Add(v * v)
		} else {
			b.Add(v * v)
		}
	}
	a.Merge(&b)
	a.Merge(nil)
	if a != both || a.Count() != 5000 {
		t.Errorf("merged histograms differ from one filled with the same values (count %d)", a.Count())
	}
}
