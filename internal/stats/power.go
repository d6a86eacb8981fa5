package stats

import "math"

const (
	zTwoSided = 1.959964 // 95 %
	zPower    = 0.841621 // 80 %
	// medianLoss is how much less the median of normal values is certain of than their mean.
	medianLoss = 1.2533
)

// Detectable is the smallest loss that rounds as noisy as these show as significant in four of five benches, before Holm's
// correction.
func Detectable(losses []float64) float64 {
	if len(losses) < 2 {
		return math.Inf(1)
	}
	return (zTwoSided + zPower) * medianLoss * RobustDev(losses) / math.Sqrt(float64(len(losses)))
}

// RoundsFor is how many rounds as noisy as these it takes to detect a loss.
func RoundsFor(losses []float64, loss float64) int {
	if len(losses) < 2 || loss <= 0 {
		return 0
	}
	x := (zTwoSided + zPower) * medianLoss * RobustDev(losses) / loss
	return max(2, int(math.Ceil(x*x)))
}
