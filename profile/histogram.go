package profile

import (
	"math"
	"math/bits"
)

// Buckets is the number of buckets of a Histogram. Values below 4 have one each; from there on every octave up to 2^30
// ns (1.07 s) has four. The last bucket also holds everything above.
const Buckets = 116

// Tolerance is the largest relative error of Histogram.Quantile.
const Tolerance = 0.125

// Histogram counts values in log-linear buckets. bpf/types.h has the same layout. The zero Histogram is empty.
type Histogram [Buckets]uint64

// Bucket returns the index of the bucket that holds v.
func Bucket(v uint64) int {
	if v < 4 {
		return int(v)
	}
	e := bits.Len64(v) - 1
	return min(4*(e-1)+int(v>>(e-2)&3), Buckets-1)
}

// Bounds returns the values of bucket i: lo <= v < hi. An index that is out of range gives the first or the last
// bucket.
func Bounds(i int) (lo, hi uint64) {
	i = min(max(i, 0), Buckets-1)
	if i < 4 {
		return uint64(i), uint64(i) + 1
	}
	width := uint64(1) << (i/4 - 1)
	lo = uint64(4+i%4) * width
	if i == Buckets-1 {
		return lo, math.MaxUint64
	}
	return lo, lo + width
}

// Add counts one value.
func (h *Histogram) Add(v uint64) { h[Bucket(v)]++ }

// Merge adds the counts of other.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other {
		h[i] += n
	}
}

// Count returns the number of values.
func (h *Histogram) Count() uint64 {
	var n uint64
	for _, c := range h {
		n += c
	}
	return n
}

// Quantile returns the smallest value that at least the share q of all values does not exceed, within Tolerance; 0
// without values. A quantile in the last bucket is that bucket's lower bound. Where the sum of the values is known, as
// in a [Cost], quantiles are more exact.
func (h *Histogram) Quantile(q float64) float64 {
	count := h.Count()
	if count == 0 {
		return 0
	}
	rank := min(max(uint64(math.Ceil(q*float64(count))), 1), count)
	for i, n := range h {
		if rank <= n {
			return interpolate(i, (float64(rank)-0.5)/float64(n))
		}
		rank -= n
	}
	return interpolate(Buckets-1, 1) // only if the counts overflow
}

// interpolate returns the value at the share f of bucket i. A bucket is up to 25 % wide, so its outer parts are cut
// off: the result is then within Tolerance of every value of the bucket.
func interpolate(i int, f float64) float64 {
	lo, hi := Bounds(i)
	if i == Buckets-1 {
		return float64(lo)
	}
	first, last := float64(lo), float64(hi-1)
	return min(max(first+f*(last-first), last*(1-Tolerance)), first*(1+Tolerance))
}
