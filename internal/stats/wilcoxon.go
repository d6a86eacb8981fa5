package stats

import (
	"cmp"
	"math"
	"slices"
)

// exactWilcoxon is the largest number of values for which all sign patterns are counted. Beyond it the normal
// approximation is good to 1e-3.
const exactWilcoxon = 50

// Wilcoxon returns the two-sided p value of the signed-rank test that xs, differences of pairs, are symmetric about
// zero. Zeros and values that are not finite are left out. Ties share their ranks.
func Wilcoxon(xs []float64) float64 {
	var nonzero []float64
	for _, x := range xs {
		if x != 0 && !math.IsNaN(x) && !math.IsInf(x, 0) {
			nonzero = append(nonzero, x)
		}
	}
	n := len(nonzero)
	if n == 0 {
		return 1
	}
	ranks, ties := signedRanks(nonzero)
	plus := 0 // in half ranks, so that shared ranks stay whole
	for i, r := range ranks {
		if nonzero[i] > 0 {
			plus += r
		}
	}
	if n <= exactWilcoxon {
		return exactSignedRank(ranks, plus)
	}
	mean := float64(n*(n+1)) / 4
	variance := float64(n*(n+1)*(2*n+1))/24 - ties/48
	z := (math.Abs(float64(plus)/2-mean) - 0.5) / math.Sqrt(variance)
	return math.Min(1, math.Erfc(math.Max(0, z)/math.Sqrt2))
}

// signedRanks returns twice the ranks of the absolute values, and the sum of t³-t over the ties.
func signedRanks(xs []float64) (ranks []int, ties float64) {
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(math.Abs(xs[a]), math.Abs(xs[b])) })
	ranks = make([]int, len(xs))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && math.Abs(xs[order[j]]) == math.Abs(xs[order[i]]) {
			j++
		}
		for _, k := range order[i:j] {
			ranks[k] = i + 1 + j
		}
		t := float64(j - i)
		ties += t*t*t - t
		i = j
	}
	return ranks, ties
}

// exactSignedRank returns the share of all sign patterns whose sum of positive ranks is as far from its mean as plus.
func exactSignedRank(ranks []int, plus int) float64 {
	ways := rankSums(ranks)
	extreme := min(plus, len(ways)-1-plus)
	p := 0.0
	for s := range extreme + 1 {
		p += ways[s]
	}
	return math.Min(1, 2*p/math.Exp2(float64(len(ranks))))
}

// rankSums returns how many sign patterns give each sum of positive ranks.
func rankSums(ranks []int) []float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	ways := make([]float64, total+1)
	ways[0] = 1
	for _, r := range ranks {
		for s := total; s >= r; s-- {
			ways[s] += ways[s-r]
		}
	}
	return ways
}
