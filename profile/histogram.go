package profile

import (
	"math"
	"math/bits"
	"sort"
)

// Buckets is the number of buckets of a Histogram. The first holds what is below 32 ns. Every octave from there to
// 64 µs has four, and every octave from 64 µs to 16 ms has one. The last bucket holds everything from 16 ms on. So a
// counter in the kernel takes 256 bytes.
const Buckets = 54

// Tolerance is the largest relative error of Histogram.Quantile for values from 32 ns to 64 µs. From there to 16 ms it
// is 50 %.
const Tolerance = 0.125

// Histogram counts values in log-linear buckets, which the counters in the kernel have, too. The zero Histogram is
// empty.
type Histogram [Buckets]uint64

// bounds are the lower bounds of the buckets. Those from 4096 on are multiples of 1024, and those from 4096 * 1024 on
// of 1024 * 1024, because the probes look the upper bits of a reading up in a table.
var bounds = func() (b [Buckets]uint64) {
	i := 0
	add := func(v uint64) { b[i] = v; i++ }
	add(0)
	for octave := uint64(32); octave < 1<<24; octave *= 2 {
		parts := uint64(4)
		if octave >= 1<<16 {
			parts = 1
		}
		for part := range parts {
			add(octave + part*octave/parts)
		}
	}
	add(1 << 24)
	return b
}()

// Bucket returns the index of the bucket that holds v.
func Bucket(v uint64) int {
	return sort.Search(Buckets, func(i int) bool { return bounds[i] > v }) - 1
}

// Bounds returns the values of bucket i: lo <= v < hi. An index that is out of range gives the first or the last
// bucket.
func Bounds(i int) (lo, hi uint64) {
	i = min(max(i, 0), Buckets-1)
	if i == Buckets-1 {
		return bounds[i], math.MaxUint64
	}
	return bounds[i], bounds[i+1]
}

// Add counts one value.
func (h *Histogram) Add(v uint64) { h[Bucket(v)]++ }

// Merge adds the counts of other. Nil adds nothing.
func (h *Histogram) Merge(other *Histogram) {
	if other == nil {
		return
	}
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

// interpolate returns the value at the share f of bucket i. The outer parts of a bucket are cut off: the result is then
// at most as far from every value of the bucket as Tolerance says.
func interpolate(i int, f float64) float64 {
	lo, hi := Bounds(i)
	if i == Buckets-1 {
		return float64(lo)
	}
	first, last := float64(lo), float64(hi-1)
	if first == 0 {
		return f * last
	}
	octave := uint64(1) << (bits.Len64(lo) - 1)
	half := float64(hi-lo) / 2 / float64(octave)
	return min(max(first+f*(last-first), last*(1-half)), first*(1+half))
}
