package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Resamples is how often Bootstrap draws, where it has to.
const Resamples = 10_000

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Half is half the width.
func (i Interval) Half() float64 { return (i.High - i.Low) / 2 }

// Contains says whether x lies in the interval.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// Bootstrap is the percentile bootstrap interval of the median of xs. What is drawn again is whole rounds: within a round
// everything shares the state of the machine, between rounds little.
func Bootstrap(xs []float64, confidence float64, seed uint64) Interval {
	if len(xs) < 2 {
		return Interval{math.Inf(-1), math.Inf(1)}
	}
	sorted := slices.Sorted(slices.Values(xs))
	tail := (1 - confidence) / 2
	if len(xs) <= exactBootstrap {
		d := newMedianDistribution(sorted)
		return Interval{d.quantile(tail), d.quantile(1 - tail)}
	}
	return drawn(sorted, tail, seed)
}

func drawn(sorted []float64, tail float64, seed uint64) Interval {
	rng := rand.New(rand.NewPCG(seed, uint64(len(sorted))))
	medians := make([]float64, Resamples)
	times := make([]int, len(sorted))
	for i := range medians {
		clear(times)
		for range sorted {
			times[rng.IntN(len(sorted))]++
		}
		medians[i] = medianOfDrawn(sorted, times)
	}
	slices.Sort(medians)
	low := int(math.Floor(tail * Resamples))
	return Interval{medians[low], medians[Resamples-1-low]}
}

// medianOfDrawn is the median of a sample in which sorted[i] occurs drawn[i] times: it spares sorting ten thousand of them.
func medianOfDrawn(sorted []float64, drawn []int) float64 {
	n, seen := len(sorted), 0
	first := math.NaN()
	for i, times := range drawn {
		seen += times
		if n%2 == 1 {
			if seen > n/2 {
				return sorted[i]
			}
			continue
		}
		if math.IsNaN(first) && seen >= n/2 {
			first = sorted[i]
		}
		if seen > n/2 {
			return (first + sorted[i]) / 2
		}
	}
	return sorted[n-1]
}
