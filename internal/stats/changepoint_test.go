package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Trees find the same division as the definition, in any order of the values.
func TestDivisionIsEnergyDistance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	xs := make([]float64, 15)
	order := make([]int, len(xs))
	for i := range xs {
		xs[i], order[i] = math.Round(3*rng.NormFloat64()), i // some are equal
	}
	d := newDivision(xs)
	for range 50 {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		wantAt, want := 0, 0.0
		for at := leastSegment; at <= len(xs)-leastSegment; at++ {
			mean := func(a, b []int, same bool) float64 {
				sum, n := 0.0, 0.0
				for i, x := range a {
					for j, y := range b {
						if !same || i != j {
							sum, n = sum+math.Abs(xs[x]-xs[y]), n+1
						}
					}
				}
				return sum / n
			}
			a, b := order[:at], order[at:]
			n, m := float64(len(a)), float64(len(b))
			if v := n * m / (n + m) * (2*mean(a, b, false) - mean(a, a, true) - mean(b, b,
				true)); v > want+1e-9 {
				wantAt, want = at, v
			}
		}
		if at, got := d.best(order); at != wantAt && want > 0 || math.Abs(got-want) > 1e-9 {
			t.Fatalf("%d, %g, want %d, %g", at, got, wantAt, want)
		}
	}
}

func TestChangePoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	series := func(levels ...float64) (xs []float64) {
		for _, l := range levels {
			for range 15 {
				xs = append(xs, l+rng.NormFloat64())
			}
		}
		return xs
	}
	for name, c := range map[string]struct {
		xs   []float64
		want []int
	}{
		"nothing":        {nil, nil},
		"no change":      {series(5, 5), nil},
		"all equal":      {make([]float64, 40), nil},
		"a step":         {series(0, 6), []int{15}},
		"a step back":    {series(0, 6, 0), []int{15, 30}},
		"two steps":      {series(0, 6, 12), []int{15, 30}},
		"an outlier":     {append(series(0), append([]float64{50}, series(0)...)...), nil},
		"exact values":   {append(make([]float64, 10), 1, 1, 1, 1, 1, 1, 1), []int{10}},
		"too few values": {[]float64{0, 0, 0, 9, 9, 9}, nil},
	} {
		got := ChangePoints(c.xs, 0.01)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
			continue
		}
		for i, p := range got {
			if p.At != c.want[i] || !(p.P > 0 && p.P <= 0.01) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
	}
}

// A series that does not change has a change point as often as alpha says, whatever the shape of its noise; a step of
// three standard deviations in the middle of 30 values is found, and a step of two mostly.
func TestChangePointsErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("simulates series by the thousand")
	}
	rng := rand.New(rand.NewPCG(3, 3))
	noises := []struct {
		name  string
		noise func() float64
	}{
		{"normal", rng.NormFloat64},
		{"heavy tails", func() float64 { return rng.NormFloat64() / math.Sqrt(rng.ExpFloat64()) }},
		{"two machines", func() float64 { return rng.NormFloat64()/4 + float64(rng.IntN(2)) }},
	}
	const runs, n, alpha = 300, 30, 0.05
	for _, c := range noises {
		alarms := 0
		for range runs {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = c.noise()
			}
			if len(ChangePoints(xs, alpha)) > 0 {
				alarms++
			}
		}
		t.Logf("%s: %d alarms in %d", c.name, alarms, runs)
		// 15 are expected, with a standard deviation of 3.8.
		if alarms < 2 || alarms > 33 {
			t.Errorf("%s: %d alarms in %d unchanged series, want about %g", c.name, alarms, runs,
				runs*alpha)
		}
	}
	for _, c := range []struct {
		step  float64
		least int
	}{{3, 95}, {2, 60}} {
		step, least, found := c.step, c.least, 0
		for range 100 {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = rng.NormFloat64()
				if i >= n/2 {
					xs[i] += step
				}
			}
			for _, p := range ChangePoints(xs, 0.002) { // as for 25 series
				if math.Abs(float64(p.At-n/2)) <= 1 {
					found++
				}
			}
		}
		t.Logf("a step of %g: found within one run %d times in 100", step, found)
		if found < least {
			t.Errorf("a step of %g standard deviations is found %d times in 100, want %d", step, found,
				least)
		}
	}
}
