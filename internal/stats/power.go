package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
)

const (
	zTwoSided = 1.959964 // two-sided 95 %
	// power is the share of benches in which a loss of the size of Detectable is significant.
	power = 0.8
)

// Sensitivity returns the smallest loss that n rounds show as significant in four of five benches, in standard
// deviations of a round's loss. It returns +Inf if n rounds cannot show any.
//
// Significant means what it means in the analysis: Wilcoxon's p, corrected by Holm for the number of cells, is below
// 0.05, the interval of the median does not contain 0, and the median lies outside the interval of the second baseline,
// whose rounds vary as much. The power of that has no formula for few rounds, where p takes few values. It is therefore
// simulated, with normal noise and always the same random numbers. That takes 50 ms, and is done once for each n and
// cells.
func Sensitivity(n, cells int) float64 {
	if n < RoundsForSignificance(cells) {
		return math.Inf(1)
	}
	if n > exactWilcoxon { // from here on only the square root of n matters
		return Sensitivity(exactWilcoxon, cells) * math.Sqrt(exactWilcoxon/float64(n))
	}
	key := [2]int{n, max(cells, 1)}
	if known, ok := sensitivities.Load(key); ok {
		return known.(float64)
	}
	simulated := simulateSensitivity(n, max(cells, 1))
	sensitivities.Store(key, simulated)
	return simulated
}

// sensitivities are the results of simulateSensitivity, by its arguments.
var sensitivities sync.Map

func simulateSensitivity(n, cells int) float64 {
	const benches = 1000
	const tail = (1 - 0.95) / 2
	critical := criticalRankSum(n, Significant/float64(cells))
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	needed := make([]float64, benches) // loss from which on each of the benches shows it
	median, means := newMedianDistribution(normals(rng, n)), pairMeans(n)
	for i := range needed {
		own, second := normals(rng, n), normals(rng, n)
		// With so much added to all values their sum of positive ranks, which is the number of positive means,
		// reaches the critical one.
		means.sorted = own
		significant := -means.quantile(float64(n*(n+1)/2 - critical + 1))
		median.sorted = own // the probabilities depend on n alone
		low := median.quantile(tail)
		median.sorted = second
		noise := median.quantile(1 - tail)
		needed[i] = max(significant, -low, noise-medianOf(own))
	}
	slices.Sort(needed)
	return needed[int(math.Ceil(power*benches))-1]
}

// normals returns n standard normal values, sorted.
func normals(rng *rand.Rand, n int) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	slices.Sort(xs)
	return xs
}

// criticalRankSum returns the smallest sum of positive ranks of n values whose two-sided p is below alpha.
func criticalRankSum(n int, alpha float64) int {
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	ways, total := rankSums(ranks), n*(n+1)/2
	above := 0.0
	for s := total; s >= 0; s-- {
		above += ways[s]
		if 2*above/math.Exp2(float64(n)) >= alpha {
			return s + 1
		}
	}
	return 0
}

// pairMeans counts the means of two of n values, and of each value with itself, as medianDistribution adds up
// probabilities: its quantile of k is the k-th smallest mean.
func pairMeans(n int) *medianDistribution {
	ones := slices.Repeat([]float64{1}, n)
	d := &medianDistribution{lower: ones, upper: ones, both: ones, fromUpper: make([]float64, n+1), pairs: true}
	for i := range d.fromUpper {
		d.fromUpper[i] = float64(n - i)
	}
	return d
}

// Detectable returns the smallest loss that rounds as noisy as these show, given the Sensitivity of their number. It is
// +Inf for too few rounds, even if they do not differ at all.
func Detectable(losses []float64, sensitivity float64) float64 {
	if len(losses) < 2 || math.IsInf(sensitivity, 1) {
		return math.Inf(1)
	}
	return sensitivity * RobustDev(losses)
}

// RoundsFor returns how many rounds as noisy as these it takes to detect a loss, or 0 if they do not tell. The function
// sensitivity returns the Sensitivity of a number of rounds.
func RoundsFor(losses []float64, loss float64, sensitivity func(rounds int) float64) int {
	if len(losses) < 2 || loss <= 0 {
		return 0
	}
	few := []int{6, 8, 10, 12, 16, 20, 24, 32, 40, exactWilcoxon}
	enough := func(n int) bool { return Detectable(losses, sensitivity(n)) <= loss }
	if i := sort.Search(len(few), func(i int) bool { return enough(few[i]) }); i < len(few) {
		return few[i]
	}
	x := Detectable(losses, sensitivity(exactWilcoxon)) / loss
	return int(math.Min(math.Ceil(x*x*exactWilcoxon), math.MaxInt32))
}
