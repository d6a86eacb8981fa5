package stats

import "golang.org/x/perf/benchmath"

// MannWhitney returns the two-sided p value of the test that two independent samples come from one distribution. It is
// for scores that are not paired, and takes a drift between the samples for a difference.
func MannWhitney(a, b []float64) float64 {
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	sample := func(xs []float64) *benchmath.Sample { return benchmath.NewSample(xs, &benchmath.DefaultThresholds) }
	return benchmath.AssumeNothing.Compare(sample(a), sample(b)).P
}
