package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// ChangePoint is a place in a series where its values begin to be others.
type ChangePoint struct {
	At int     // index of the first value that is another
	P  float64 // how often a random order of the values around it shows such a change
}

const (
	// leastSegment is the number of values between two change points, and before the first and after the last.
	leastSegment = 3
	// permutationsPerAlpha / alpha random orders are tried: at the limit, 20 of them show a larger change.
	permutationsPerAlpha = 20
	mostPermutations     = 20_000
)

// ChangePoints returns the change points of a series, sorted: E-divisive means (Matteson and James 2014), the method of
// MongoDB's and Apache Otava's continuous benchmarking. The best place to divide a series is where the energy distance
// of its two sides is largest. A permutation test says whether that is more than chance, at level alpha; if so, both
// sides are searched in turn. An unchanged series whose order means nothing has a change point with probability alpha.
// The random orders are the same each time.
func ChangePoints(xs []float64, alpha float64) []ChangePoint {
	rng := rand.New(rand.NewPCG(uint64(len(xs)), 3))
	var out []ChangePoint
	var search func(from, to int)
	search = func(from, to int) {
		c, found := changePoint(xs[from:to], alpha, rng)
		if !found {
			return
		}
		at := from + c.At
		out = append(out, ChangePoint{at, c.P})
		search(from, at)
		search(at, to)
	}
	search(0, len(xs))
	slices.SortFunc(out, func(a, b ChangePoint) int { return cmp.Compare(a.At, b.At) })
	return out
}

// LeastForChange returns the number of values from which on a series can have a change point at all: fewer have too few
// orders.
func LeastForChange(alpha float64) int {
	for n := 2 * leastSegment; n < 1000; n++ {
		// The orders with the same two sides as the observed one, or with the sides exchanged, are not beyond
		// it.
		ways := 2.0
		for i := range n / 2 {
			ways *= float64(i+1) / float64(n-i)
		}
		if ways < alpha {
			return n
		}
	}
	return math.MaxInt
}

// changePoint returns the clearest change point of a series, and whether it is significant.
func changePoint(xs []float64, alpha float64, rng *rand.Rand) (ChangePoint, bool) {
	if len(xs) < LeastForChange(alpha) {
		return ChangePoint{}, false
	}
	d := newDivision(xs)
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	at, observed := d.best(order)
	if !(observed > 1e-9*d.total/float64(len(xs))) { // rounding errors of a series of equal values
		return ChangePoint{}, false
	}
	permutations := min(mostPermutations, int(math.Ceil(permutationsPerAlpha/alpha)))
	limit := int(alpha * float64(permutations+1)) // of orders as good as the observed one, which counts as one
	beyond := 1
	for range permutations {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		if _, v := d.best(order); v >= observed*(1-1e-9) {
			if beyond++; beyond > limit {
				return ChangePoint{}, false
			}
		}
	}
	return ChangePoint{at, float64(beyond) / float64(permutations+1)}, true
}

// division divides a series in any order of its values. Sums of distances come from trees over the sorted values.
type division struct {
	xs           []float64
	rank         []int // of the value of each index
	counts, sums []float64
	each         []float64 // sum of the distances of each value from all others
	total        float64   // of the distances of all pairs
}

func newDivision(xs []float64) *division {
	d := &division{
		xs: xs, rank: make([]int, len(xs)), counts: make([]float64, len(xs)+1),
		sums: make([]float64, len(xs)+1), each: make([]float64, len(xs)),
	}
	byValue := make([]int, len(xs))
	for i := range byValue {
		byValue[i] = i
		for _, y := range xs {
			d.each[i] += math.Abs(xs[i] - y)
		}
		d.total += d.each[i] / 2
	}
	slices.SortFunc(byValue, func(a, b int) int { return cmp.Or(cmp.Compare(xs[a], xs[b]), cmp.Compare(a, b)) })
	for r, i := range byValue {
		d.rank[i] = r + 1
	}
	return d
}

// best returns where to divide the values in this order, and the scaled energy distance of the sides.
func (d *division) best(order []int) (at int, most float64) {
	n := len(order)
	clear(d.counts)
	clear(d.sums)
	// Sums of the distances within the left side, within the right one, and of the values on the left.
	left, right, sum := 0.0, d.total, 0.0
	for m, i := range order[:n-leastSegment] {
		toLeft := d.distances(i, m, sum)
		left += toLeft
		right -= d.each[i] - toLeft
		between := d.total - left - right
		d.add(i)
		sum += d.xs[i]
		if a, b := float64(m+1), float64(n-m-1); m+1 >= leastSegment {
			energy := 2*between/(a*b) - 2*left/(a*(a-1)) - 2*right/(b*(b-1))
			if v := a * b / (a + b) * energy; v > most {
				at, most = m+1, v
			}
		}
	}
	return at, most
}

// distances returns the sum of the distances of a value from the m values in the trees, whose sum is given.
func (d *division) distances(i, m int, sum float64) float64 {
	count, below := 0.0, 0.0
	for r := d.rank[i]; r > 0; r &= r - 1 {
		count, below = count+d.counts[r], below+d.sums[r]
	}
	x := d.xs[i]
	return x*count - below + (sum - below) - x*(float64(m)-count)
}

// add adds a value to the trees.
func (d *division) add(i int) {
	for r := d.rank[i]; r < len(d.counts); r += r & -r {
		d.counts[r]++
		d.sums[r] += d.xs[i]
	}
}
