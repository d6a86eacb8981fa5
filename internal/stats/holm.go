package stats

import (
	"cmp"
	"slices"
)

// Holm adjusts p values for being several: compared with 0.05, the adjusted ones are wrong about any of them at most once in
// twenty benches.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	adjusted := make([]float64, len(ps))
	running := 0.0
	for rank, i := range order {
		running = max(running, min(1, ps[i]*float64(len(ps)-rank)))
		adjusted[i] = running
	}
	return adjusted
}

// RoundsForSignificance is how many rounds it takes until a loss that shows in every one of them is significant among so many
// cells: fewer cannot show anything.
func RoundsForSignificance(cells int) int {
	n, p := 1, 1.0 // 2 of 2^n sign patterns are as extreme
	for p*float64(max(cells, 1)) >= Significant {
		n++
		p /= 2
	}
	return n
}

// Significant is below what an adjusted p value has to be.
const Significant = 0.05
