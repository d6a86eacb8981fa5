package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// LeastForOutliers is the least number of values among which one can be said to differ from the others.
const LeastForOutliers = 5

// RobustScores returns how far each value is from the median, in robust standard deviations: the modified z score of
// Iglewicz and Hoaglin (1993), which the values that differ do not change. If half the values are equal, those that are
// not have an infinite score.
func RobustScores(xs []float64) []float64 {
	out := make([]float64, len(xs))
	median := Median(xs)
	dev := make([]float64, len(xs))
	for i, x := range xs {
		dev[i] = math.Abs(x - median)
	}
	sigma := madToSigma * medianOf(dev)
	for i, x := range xs {
		if x != median {
			out[i] = (x - median) / sigma
		}
	}
	return out
}

// RobustLimit returns the score above which one of n values differs: among n normal values the largest score exceeds it
// with probability alpha. The usual limit, 3.5, names one of ten like values in every third case. The limit is
// simulated, always with the same random numbers. It returns +Inf for fewer than LeastForOutliers values.
func RobustLimit(n int, alpha float64) float64 {
	if n < LeastForOutliers {
		return math.Inf(1)
	}
	const runs, most = 4000, 400
	if n > most { // the limit of most values, plus what n normal values reach beyond it
		return RobustLimit(most, alpha) + normalMax(n, alpha) - normalMax(most, alpha)
	}
	rng := rand.New(rand.NewPCG(uint64(n), 2))
	largest := make([]float64, runs)
	xs := make([]float64, n)
	for i := range largest {
		for j := range xs {
			xs[j] = rng.NormFloat64()
		}
		slices.Sort(xs)
		median := (xs[(n-1)/2] + xs[n/2]) / 2
		largest[i] = max(median-xs[0], xs[n-1]-median) / (madToSigma * medianDistance(xs, median))
	}
	slices.Sort(largest)
	return largest[int(math.Ceil((1-alpha)*runs))-1]
}

// medianDistance returns the median distance of sorted values from their median, in linear time: distances grow to both
// sides.
func medianDistance(sorted []float64, median float64) float64 {
	n := len(sorted)
	right := n / 2
	left := right - 1
	last, before := 0.0, 0.0
	for range n/2 + 1 {
		before = last
		if left < 0 || right < n && sorted[right]-median <= median-sorted[left] {
			last = sorted[right] - median
			right++
		} else {
			last = median - sorted[left]
			left--
		}
	}
	if n%2 == 1 {
		return last
	}
	return (last + before) / 2
}

// normalMax returns the value that the largest of n normal values exceeds, to either side, with probability alpha.
func normalMax(n int, alpha float64) float64 {
	return math.Sqrt2 * math.Erfcinv(-math.Expm1(math.Log1p(-alpha)/float64(n)))
}
