package stats

import (
	"cmp"
	"slices"
)

// Holm corrects p values for their number. If the corrected ones are compared with 0.05, a bench without any effect
// finds one in at most 5 % of cases.
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

// RoundsForSignificance returns the number of rounds that it takes for a loss in every one of them to be significant
// among cells. Fewer rounds cannot show any loss.
func RoundsForSignificance(cells int) int {
	n, p := 1, 1.0 // 2 of 2^n sign patterns are as extreme
	for p*float64(max(cells, 1)) >= Significant {
		n++
		p /= 2
	}
	return n
}

// Significant is the limit that a corrected p value must be below.
const Significant = 0.05
