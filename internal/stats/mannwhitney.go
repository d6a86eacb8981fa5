package stats

import "golang.org/x/perf/benchmath"

// MannWhitney is the two-sided p value of the test that two independent samples come from one distribution. It is for runs that
// were not paired, as in --order sequential; and even there it takes drift for a difference, which is why that is not the default.
func MannWhitney(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	sample := func(xs []float64) *benchmath.Sample { return benchmath.NewSample(xs, &benchmath.DefaultThresholds) }
	return benchmath.AssumeNothing.Compare(sample(a), sample(b)).P
}
