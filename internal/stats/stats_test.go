package stats

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/quick"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance || math.IsNaN(got) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestKnownValues(t *testing.T) {
	near(t, "median, odd", Median([]float64{3, 1, 2}), 2, 0)
	near(t, "median, even", Median([]float64{4, 1, 2, 3}), 2.5, 0)
	near(t, "mean", Mean([]float64{1, 2, 6}), 3, 0)
	near(t, "standard deviation", StdDev([]float64{2, 4, 4, 4, 5, 5, 7, 9}), 2.13809, 1e-5)
	// R: wilcox.test(c(1,2,3,4,5,6))$p.value, and with mixed signs
	near(t, "all of one sign", Wilcoxon([]float64{1, 2, 3, 4, 5, 6}), 0.03125, 1e-12)
	near(t, "mixed signs", Wilcoxon([]float64{1.1, 2.2, -0.5, 4.4, 3.3, -0.1, 5.5}), 0.078125, 1e-12)
	near(t, "nothing but zeroes", Wilcoxon([]float64{0, 0, 0}), 1, 0)
	// R: wilcox.test(c(1,2,3,4), c(5,6,7,8))$p.value
	near(t, "Mann-Whitney", MannWhitney([]float64{1, 2, 3, 4}, []float64{5, 6, 7, 8}), 0.028571, 1e-5)
	if got := RoundsForSignificance(1); got != 6 {
		t.Errorf("one cell: %d rounds, want 6 (2/2^6 < 0.05)", got)
	}
	if got := RoundsForSignificance(30); got < 10 || got > 12 {
		t.Errorf("thirty cells: %d rounds", got)
	}
}

func TestRoundsForSignificanceIsEnough(t *testing.T) {
	for _, cells := range []int{1, 5, 30, 120} {
		n := RoundsForSignificance(cells)
		for rounds, want := range map[int]bool{n - 1: false, n: true} {
			losses := make([]float64, rounds)
			for i := range losses {
				losses[i] = 0.01 + float64(i)*1e-5
			}
			ps := make([]float64, cells)
			for i := range ps {
				ps[i] = 1
			}
			ps[0] = Wilcoxon(losses)
			if got := Holm(ps)[0] < Significant; got != want {
				t.Errorf("%d cells, %d rounds: significant %v", cells, rounds, got)
			}
		}
	}
}

// The exact test and the approximation agree where they meet.
func TestWilcoxonApproximation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		xs := make([]float64, exactWilcoxon+1)
		for i := range xs {
			xs[i] = rng.NormFloat64() + 0.2
		}
		ranks, _ := signedRanks(xs)
		plus := 0
		for i, r := range ranks {
			if xs[i] > 0 {
				plus += r
			}
		}
		near(t, "p", Wilcoxon(xs), exactSignedRank(ranks, plus), 5e-3)
	}
}

func TestHolm(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, "adjusted", got[i], want, 1e-12)
	}
	properties := func(raw []float64) bool {
		ps := make([]float64, len(raw))
		for i, x := range raw {
			ps[i] = math.Abs(math.Mod(x, 1))
		}
		adjusted := Holm(ps)
		for i := range ps {
			if adjusted[i] < ps[i] || adjusted[i] > 1 {
				return false
			}
			for j := range ps {
				if ps[i] < ps[j] && adjusted[i] > adjusted[j] {
					return false
				}
			}
		}
		return true
	}
	if err := quick.Check(properties, nil); err != nil {
		t.Error(err)
	}
}

// coverage returns how often the interval of n noisy rounds holds the truth.
func coverage(n int, noise func(*rand.Rand) float64) float64 {
	const benches = 250
	rng := rand.New(rand.NewPCG(7, uint64(n)))
	hits := 0
	for range benches {
		losses := make([]float64, n)
		for i := range losses {
			losses[i] = 0.02 + noise(rng)
		}
		if Bootstrap(losses, 0.95).Contains(0.02) {
			hits++
		}
	}
	return float64(hits) / benches
}

func TestBootstrapCoverage(t *testing.T) {
	for name, noise := range map[string]func(*rand.Rand) float64{
		"normal": func(r *rand.Rand) float64 { return 0.01 * r.NormFloat64() },
		"outliers": func(r *rand.Rand) float64 {
			if r.IntN(10) == 0 {
				return 0.2 * r.NormFloat64()
			}
			return 0.01 * r.NormFloat64()
		},
	} {
		for _, n := range []int{6, 10, 40} {
			if got := coverage(n, noise); got < 0.91 || got > 0.995 {
				t.Errorf("%s, %d rounds: the 95 %% interval holds the truth in %.1f %%", name, n,
					100*got)
			}
		}
	}
}

// Where the exact distribution ends, the normal one gives the same interval.
func TestBootstrapOfManyValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	xs := make([]float64, exactBootstrap+1)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	exact, normal := Bootstrap(xs[:exactBootstrap], 0.95), Bootstrap(xs, 0.95)
	near(t, "low", normal.Low, exact.Low, 0.005)
	near(t, "high", normal.High, exact.High, 0.005)
	if many := Bootstrap(make([]float64, 1_000_000), 0.95); many != (Interval{}) {
		t.Errorf("a million zeros: %v", many)
	}
}

// medianOfDrawn is the median of a sample in which sorted[i] occurs drawn[i] times.
func medianOfDrawn(sorted []float64, drawn []int) float64 {
	var sample []float64
	for i, times := range drawn {
		for range times {
			sample = append(sample, sorted[i])
		}
	}
	return Median(sample)
}

// The exact distribution is the one that ever more resamples tend to.
func TestBootstrapIsWhatDrawingGives(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{2, 3, 5, 8, 24, 41} {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = math.Round(100 * rng.NormFloat64()) // ties, too
		}
		slices.Sort(xs)
		d := newMedianDistribution(xs)
		if p := d.upTo(xs[n-1]); math.Abs(p-1) > 1e-9 {
			t.Errorf("%d values: probabilities sum up to %v", n, p)
		}
		const draws = 100_000
		below, times := map[float64]float64{}, make([]int, n)
		for range draws {
			clear(times)
			for range n {
				times[rng.IntN(n)]++
			}
			below[medianOfDrawn(xs, times)]++
		}
		sum := 0.0
		for _, m := range slices.Sorted(maps.Keys(below)) {
			sum += below[m] / draws
			if p := d.upTo(m); math.Abs(p-sum) > 0.006 {
				t.Errorf("%d values: the median is at most %v with probability %.4f, %.4f when drawn",
					n, m, p, sum)
			}
		}
	}
}

// Of benches without any effect, at most 5 % call a cell significant.
func TestFalseAlarms(t *testing.T) {
	if testing.Short() { // under the race detector
		t.Skip("simulates benches by the hundred")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	const benches, cells = 300, 20
	alarms := 0
	for range benches {
		ps := make([]float64, cells)
		for i := range ps {
			losses := make([]float64, 24)
			for j := range losses {
				losses[j] = rng.NormFloat64()
			}
			ps[i] = Wilcoxon(losses)
		}
		for _, p := range Holm(ps) {
			if p < Significant {
				alarms++
				break
			}
		}
	}
	if share := float64(alarms) / benches; share > 0.09 {
		t.Errorf("%.1f %% of benches raise a false alarm, want 5 %%", 100*share)
	}
}

// A loss of the size of Sensitivity is significant in four of five benches, as the analysis decides it.
func TestSensitivity(t *testing.T) {
	if testing.Short() { // under the race detector
		t.Skip("simulates benches by the thousand")
	}
	rng := rand.New(rand.NewPCG(8, 9))
	const benches = 1000
	for _, c := range []struct{ rounds, cells int }{
		{6, 1},
		{12, 1},
		{12, 60},
		{24, 60},
		{40, 1},
		{40, 60},
		{100, 60},
	} {
		loss, found := Sensitivity(c.rounds, c.cells), 0
		for range benches {
			losses, second := make([]float64, c.rounds), make([]float64, c.rounds)
			for i := range losses {
				losses[i], second[i] = loss+rng.NormFloat64(), rng.NormFloat64()
			}
			inNoise := Bootstrap(second, 0.95).Contains(Median(losses))
			if Wilcoxon(losses)*float64(c.cells) < Significant && !inNoise &&
				!Bootstrap(losses, 0.95).Contains(0) {
				found++
			}
		}
		if share := float64(found) / benches; share < 0.76 || share > 0.84 {
			t.Errorf("%d rounds, %d cells: a loss of %.2f standard deviations is found in %.0f %%, "+
				"want 80 %%", c.rounds, c.cells, loss, 100*share)
		}
	}
	if !math.IsInf(Sensitivity(5, 1), 1) || !math.IsInf(Sensitivity(10, 60), 1) {
		t.Error("too few rounds to show any loss have a sensitivity")
	}
}

func TestRoundsFor(t *testing.T) {
	losses := make([]float64, 40)
	rng := rand.New(rand.NewPCG(8, 10))
	for i := range losses {
		losses[i] = 0.01 * rng.NormFloat64()
	}
	s := func(rounds int) float64 { return Sensitivity(rounds, 10) }
	detectable := Detectable(losses, s(40))
	for _, c := range []struct {
		loss      float64
		low, high int
	}{{1, 10, 10}, {detectable, 40, 40}, {detectable / 2, 150, 170}, {
		detectable / 1e9, math.MaxInt32,
		math.MaxInt32,
	}, {0, 0, 0}} {
		if n := RoundsFor(losses, c.loss, s); n < c.low || n > c.high {
			t.Errorf("%d rounds for a loss of %.3g; 40 rounds detect %.3g", n, c.loss, detectable)
		}
	}
}

func TestFitLine(t *testing.T) {
	l, err := FitLine([]Point{
		{X: 0, Y: 100, Err: 0},
		{X: 1, Y: 112, Err: 0},
		{X: 2, Y: 124, Err: 0},
		{X: 4, Y: 148, Err: 0},
		{X: 8, Y: 196, Err: 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "slope", l.Slope, 12, 1e-9)
	near(t, "intercept", l.Intercept, 100, 1e-9)
	if l.Bent || l.SlopeCI.Half() > 1e-6 {
		t.Errorf("%+v", l)
	}
	// A step is not a line.
	if l, _ := FitLine([]Point{
		{X: 0, Y: 0, Err: 0.1},
		{X: 1, Y: 10, Err: 0.1},
		{X: 2, Y: 10, Err: 0.1},
		{X: 4, Y: 10, Err: 0.1},
		{X: 8, Y: 10, Err: 0.1},
	}); !l.Bent {
		t.Errorf("a step passes for a line: %+v", l)
	}
	if _, err := FitLine([]Point{{X: 1, Y: 1, Err: 0}, {X: 1, Y: 2, Err: 0}, {X: 1, Y: 3, Err: 0}}); err == nil {
		t.Error("no slope without two numbers of rules")
	}
}

func TestFitLineCoverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	const fits = 1000
	hits := 0
	for range fits {
		var points []Point
		for _, x := range []float64{0, 1, 2, 4, 8} {
			err := 1 + x/8
			points = append(points, Point{X: x, Y: 100 + 12*x + err*rng.NormFloat64(), Err: err})
		}
		l, err := FitLine(points)
		if err != nil {
			t.Fatal(err)
		}
		if l.SlopeCI.Contains(12) {
			hits++
		}
	}
	if got := float64(hits) / fits; got < 0.93 {
		t.Errorf("the interval of the slope holds it in %.1f %%", 100*got)
	}
}
