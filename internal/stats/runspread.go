package stats

import (
	"math"

	moremath "github.com/aclements/go-moremath/stats"
)

// RunSpread estimates how far the measurements of a run are off by more than their own errors explain, for example
// because memory lies elsewhere after a reboot. It returns the standard deviation of one measurement's offset.
//
// Each value is the apparent loss of a second baseline, which is the difference of two measurements that are alike, and
// err its standard error. The estimate is Paule and Mandel's, but with the 20 % quantile of chi-squared in place of its
// mean: a few second baselines that happen to agree must not make runs look alike.
func RunSpread(values, errs []float64) float64 {
	chi2 := func(variance float64) (sum float64) {
		for i, v := range values {
			sum += v * v / (errs[i]*errs[i] + 2*variance)
		}
		return sum
	}
	want := ChiSquared20(len(values))
	high := 0.0
	for i, v := range values {
		if errs[i] <= 0 || math.IsNaN(v) {
			return 0
		}
		high = max(high, v*v)
	}
	high *= float64(len(values)) / want
	if len(values) == 0 || !(chi2(0) > want) {
		return 0
	}
	low := 0.0
	for range 100 {
		if mid := (low + high) / 2; chi2(mid) > want {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Sqrt(high)
}

// ChiSquared20 returns the 20 % quantile of chi-squared, by Wilson and Hilferty.
func ChiSquared20(freedom int) float64 {
	const z = -0.841621
	k := 2.0 / (9 * float64(max(freedom, 1)))
	return float64(freedom) * math.Pow(max(0.1, 1-k+z*math.Sqrt(k)), 3)
}

// Term is an estimated part of a variance, with its degrees of freedom.
type Term struct {
	Variance, Freedom float64
}

// StudentT returns the two-sided p value of an estimate that is zero under the null hypothesis, and the half width of
// its 95 % interval. Its variance is the sum of the terms; the degrees of freedom are Welch and Satterthwaite's.
func StudentT(estimate float64, terms ...Term) (p, half float64) {
	variance, inverse := 0.0, 0.0
	for _, t := range terms {
		variance += t.Variance
		inverse += t.Variance * t.Variance / max(1, t.Freedom)
	}
	if !(variance > 0) {
		if estimate == 0 {
			return 1, 0
		}
		return 0, 0
	}
	freedom := variance * variance / inverse
	t := math.Abs(estimate) / math.Sqrt(variance)
	if freedom > 200 { // as good as normal, and beyond what the continued fraction of TDist converges for
		p = math.Erfc(t / math.Sqrt2)
	} else {
		p = min(1, 2*moremath.TDist{V: freedom}.CDF(-t))
	}
	return p, StudentT95(max(1, int(freedom))) * math.Sqrt(variance)
}
