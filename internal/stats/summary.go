package stats

import (
	"math"
	"slices"
)

// Mean returns the arithmetic mean, or NaN if there are no values.
func Mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// Median returns the middle value, or the mean of the two in the middle, or NaN if there are no values.
func Median(xs []float64) float64 {
	return medianOf(slices.Clone(xs))
}

// medianOf is Median, and sorts its argument.
func medianOf(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	slices.Sort(xs)
	n := len(xs)
	if n%2 == 1 {
		return xs[n/2]
	}
	return (xs[n/2-1] + xs[n/2]) / 2
}

// StdDev returns the standard deviation of the sample; 0 for fewer than two values.
func StdDev(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	m, sum := Mean(xs), 0.0
	for _, x := range xs {
		sum += (x - m) * (x - m)
	}
	return math.Sqrt(sum / float64(len(xs)-1))
}

// madToSigma is the standard deviation of normal values divided by their median absolute deviation.
const madToSigma = 1.4826

// RobustDev returns a standard deviation that a few outliers do not change; 0 for fewer than two values.
func RobustDev(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	m := Median(xs)
	dev := make([]float64, len(xs))
	for i, x := range xs {
		dev[i] = math.Abs(x - m)
	}
	n := float64(len(xs))
	return madToSigma * medianOf(dev) * n / (n - 0.8) // of a few values the median deviation is too small
}
