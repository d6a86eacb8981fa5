package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestRobustScores(t *testing.T) {
	for name, test := range map[string]struct{ xs, want []float64 }{
		"one differs":    {[]float64{-2, -1, 0, 1, 2, 1e6}, nil},
		"all equal":      {[]float64{1, 1, 1}, []float64{0, 0, 0}},
		"most are equal": {[]float64{1, 1, 1, 2}, []float64{0, 0, 0, math.Inf(1)}},
		"no value":       {nil, nil},
		"in units of MAD": {[]float64{0, 1, 2, 3, 4}, []float64{
			-2 / 1.4826, -1 / 1.4826, 0, 1 / 1.4826,
			2 / 1.4826,
		}},
	} {
		got := RobustScores(test.xs)
		if len(got) != len(test.xs) {
			t.Errorf("%s: %v", name, got)
		}
		for i, want := range test.want {
			if math.Abs(got[i]-want) > 1e-12 || math.IsInf(want, 1) != math.IsInf(got[i], 1) {
				t.Errorf("%s: %v, want %v", name, got, test.want)
			}
		}
	}
	if got := RobustScores([]float64{-2, -1, 0, 1, 2, 1e6}); got[5] < 1e5 || math.Abs(got[0]) > 3 {
		t.Errorf("one value hides that it differs: %v", got)
	}
}

// Among like values one exceeds the limit as often as was asked for.
func TestRobustLimit(t *testing.T) {
	if testing.Short() { // under the race detector
		t.Skip("simulates runs by the thousand")
	}
	const runs = 3000
	rng := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{5, 12, 50, 200} {
		limit, alarms := RobustLimit(n, 0.05), 0
		for range runs {
			xs := normals(rng, n)
			scores := RobustScores(xs) // sorted: the largest scores are at the ends
			if max(math.Abs(scores[0]), math.Abs(scores[n-1])) > limit {
				alarms++
			}
		}
		if share := float64(alarms) / runs; share < 0.03 || share > 0.07 {
			t.Errorf("%d values: %.3f of the runs have one that differs by more than %.2f, want 0.05", n,
				share, limit)
		}
	}
	if got := RobustLimit(4, 0.05); !math.IsInf(got, 1) {
		t.Errorf("four values: %g", got)
	}
	if a, b := RobustLimit(400, 0.05), RobustLimit(5000, 0.05); a < 3.5 || b <= a || b > a+1 {
		t.Errorf("400 values: %g, 5000: %g", a, b)
	}
}
