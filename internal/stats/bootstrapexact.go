package stats

import (
	"math"
)

// exactBootstrap is the largest number of values for which the distribution of the median is computed. Beyond it, its
// terms leave the range of floating-point numbers.
const exactBootstrap = 1000

// medianDistribution is the distribution of the median of a sample that is drawn from sorted values with replacement.
type medianDistribution struct {
	sorted []float64
	// Of an even number 2m of values the median is the mean of two of the sample: lower[i]*upper[j] is the
	// probability that they are values i < j, which takes m draws up to i with i the largest, and m draws from j on
	// with j the smallest. both[i]: i twice.
	lower, upper, both []float64
	fromUpper          []float64 // sums of upper from its end
	pairs              bool      // means of two values occur
}

func newMedianDistribution(sorted []float64) *medianDistribution {
	n := len(sorted)
	d := &medianDistribution{
		sorted: sorted, lower: make([]float64, n), upper: make([]float64, n),
		both: make([]float64, n), fromUpper: make([]float64, n+1),
	}
	m, below, logs := n/2, 0.0, logFactorials(n)
	if n%2 == 1 { // always one value
		for i := range sorted {
			upTo := atLeast(logs, m+1, float64(i+1)/float64(n))
			d.both[i], below = upTo-below, upTo
		}
		return d
	}
	d.pairs = true
	// The number of ways to choose the lower half, shared between both factors.
	half := (logs[n] - 2*logs[m]) / 2
	power := func(k int) float64 { // (k/n)^m
		if k == 0 {
			return 0
		}
		return math.Exp(half + float64(m)*math.Log(float64(k)/float64(n)))
	}
	for i := range sorted {
		d.lower[i] = power(i+1) - power(i)
		d.upper[i] = power(n-i) - power(n-i-1)
	}
	for i := n - 1; i >= 0; i-- {
		d.fromUpper[i] = d.fromUpper[i+1] + d.upper[i]
	}
	for i := range sorted { // what is left of the probability that the lower of the two is value i
		upTo := atLeast(logs, m, float64(i+1)/float64(n))
		d.both[i], below = max(0, upTo-below-d.lower[i]*d.fromUpper[i+1]), upTo
	}
	return d
}

// upTo returns the probability that the median is at most x.
func (d *medianDistribution) upTo(x float64) float64 {
	p, j := 0.0, len(d.sorted) // values from j on are too large to go with value i
	for i, v := range d.sorted {
		if v > x {
			break
		}
		p += d.both[i]
		for j > i+1 && (v+d.sorted[j-1])/2 > x {
			j--
		}
		if j > i+1 {
			p += d.lower[i] * (d.fromUpper[i+1] - d.fromUpper[j])
		}
	}
	return p
}

// quantile returns the smallest median whose upTo reaches q.
func (d *medianDistribution) quantile(q float64) float64 {
	low, high := math.Nextafter(d.sorted[0], math.Inf(-1)), d.sorted[len(d.sorted)-1]
	for step := 1; ; step++ {
		if mid := low + (high-low)/2; step%4 != 0 && low < mid && mid < high {
			if d.upTo(mid) >= q {
				high = mid
			} else {
				low = mid
			}
			continue
		}
		// Soon a single median is left between the two.
		if low = d.above(low); low >= high || d.upTo(low) >= q {
			return low
		}
	}
}

// above returns the smallest median above x, or the largest there is. Medians are values, or means of two.
func (d *medianDistribution) above(x float64) float64 {
	n := len(d.sorted)
	best, j := d.sorted[n-1], n // value i and those before j have means up to x
	for i, v := range d.sorted {
		for j > i && (v+d.sorted[j-1])/2 > x {
			j--
		}
		if j = max(j, i); j < n && (j == i || d.pairs) {
			best = min(best, (v+d.sorted[j])/2)
		}
	}
	return best
}

// atLeast returns the probability that k or more of n draws succeed, each with probability p, given the logarithms of
// the factorials up to n.
func atLeast(logs []float64, k int, p float64) float64 {
	if p >= 1 {
		return 1
	}
	n, sum, yes, no := len(logs)-1, 0.0, math.Log(p), math.Log1p(-p)
	for i := k; i <= n; i++ {
		sum += math.Exp(logs[n] - logs[i] - logs[n-i] + float64(i)*yes + float64(n-i)*no)
	}
	return sum
}

func logFactorials(n int) []float64 {
	logs := make([]float64, n+1)
	for i := 1; i <= n; i++ {
		logs[i] = logs[i-1] + math.Log(float64(i))
	}
	return logs
}
