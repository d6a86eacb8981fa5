package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestRunSpread(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		n           int
		offset, err float64
		low, high   float64 // of the mean estimate
	}{
		{20, 0, 0.001, 0, 0.0007},
		{20, 0.003, 0.001, 0.0028, 0.0042},
		{20, 0.003, 0.0001, 0.0028, 0.0042},
		{2, 0.003, 0.001, 0.003, 0.02},
	} {
		sum := 0.0
		const runs = 200
		for range runs {
			values, errs := make([]float64, c.n), make([]float64, c.n)
			for i := range values {
				values[i] = c.offset*(rng.NormFloat64()-rng.NormFloat64()) + c.err*rng.NormFloat64()
				errs[i] = c.err
			}
			sum += RunSpread(values, errs) / runs
		}
		if sum < c.low || sum > c.high {
			t.Errorf("%d second baselines with offsets of %g and errors of %g: spread %g, want %g to %g",
				c.n, c.offset, c.err, sum, c.low, c.high)
		}
	}
	for name, got := range map[string]float64{
		"nothing":    RunSpread(nil, nil),
		"no error":   RunSpread([]float64{1}, []float64{0}),
		"not finite": RunSpread([]float64{math.NaN()}, []float64{1}),
	} {
		if got != 0 {
			t.Errorf("%s: spread %g, want 0", name, got)
		}
	}
}

// R: 2*pt(-2, 10), and qt(0.975, 10)
func TestStudentT(t *testing.T) {
	p, half := StudentT(2, Term{1, 10})
	near(t, "p", p, 0.07338803, 1e-6)
	near(t, "half width", half, 2.228, 1e-3)
	p, half = StudentT(2, Term{0.5, 1e6}, Term{0.5, 1e6})
	near(t, "p of a normal value", p, 0.0455, 1e-4)
	near(t, "half width", half, 1.96, 1e-3)
	if p, _ := StudentT(0); p != 1 {
		t.Errorf("nothing differs from nothing with p = %g", p)
	}
	if p, _ := StudentT(1); p != 0 {
		t.Errorf("a difference without any variance has p = %g", p)
	}
}
