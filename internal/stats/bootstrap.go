package stats

import (
	"math"
	"slices"
)

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Half returns half the width.
func (i Interval) Half() float64 { return (i.High - i.Low) / 2 }

// Contains reports whether x lies in the interval.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// Bootstrap returns the percentile bootstrap interval of the median of xs. It is exact: the interval that ever more
// resamples tend to. With fewer than two values it reaches from -Inf to +Inf.
//
// What is resampled is whole rounds: within a round everything shares the state of the machine, between rounds little.
func Bootstrap(xs []float64, confidence float64) Interval {
	if len(xs) < 2 {
		return Interval{math.Inf(-1), math.Inf(1)}
	}
	sorted := slices.Sorted(slices.Values(xs))
	tail := (1 - confidence) / 2
	if len(xs) <= exactBootstrap {
		d := newMedianDistribution(sorted)
		return Interval{d.quantile(tail), d.quantile(1 - tail)}
	}
	// Of many values the median's distribution is normal in the rank.
	n := float64(len(sorted))
	reach := math.Sqrt2 * math.Erfinv(confidence) * math.Sqrt(n) / 2
	low := max(0, int(math.Floor((n-1)/2-reach)))
	return Interval{sorted[low], sorted[len(sorted)-1-low]}
}
