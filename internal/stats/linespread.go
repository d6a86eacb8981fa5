package stats

import (
	"math"
)

// fewPoints is the number of points of a line that do not say how large their spread is.
const fewPoints = 4

// weights returns the variances by which points weigh in a line, up to a factor. See FitLine.
func weights(points []Point) (variance func(Point) float64) {
	rare := false
	for _, p := range points {
		rare = rare || p.Rare > 0
	}
	if !rare || len(points) <= fewPoints {
		return func(p Point) float64 { return square(p.Err) + square(byValue*p.Y) }
	}
	return withSpread(spreadOf(points))
}

// withSpread returns the variances of points that lie off their line by a share of their values, by what rare readings
// leave uncertain, and by the scatter of the others if that is more than 5 % of the value.
func withSpread(share float64) func(Point) float64 {
	return func(p Point) float64 {
		scatter := max(0, square(p.Scatter)-square(byValue*p.Y))
		return square(p.Rare) + scatter + square(share*p.Y)
	}
}

// spreadOf returns the largest share of their values by which points can lie off their line, if they lie so close to it
// by chance in 15 % of lines. The estimate itself, at 50 %, is too small in half of the lines: the points that no rare
// reading has hit would then decide alone. The share is at least that of the scatter of ordinary readings.
func spreadOf(points []Point) float64 {
	var scatter []float64
	for _, p := range points {
		scatter = append(scatter, p.Scatter/math.Abs(p.Y))
	}
	freedom := float64(len(points) - 2)
	plausible := func(share float64) bool {
		l, _ := fitWeighted(points, withSpread(share))
		return !(l.residual/freedom > chiSquared(freedom, oneIn7))
	}
	low, high := max(Median(scatter), 1e-6), 1.0
	if plausible(low) {
		return low
	}
	for range 20 {
		if middle := math.Sqrt(low * high); plausible(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// Normal quantiles.
const (
	oneIn7    = -1.0364 // 15 %
	oneIn1000 = 3.0902  // 99.9 %
)

// chiSquared returns a quantile of chi-squared per degree of freedom, given that of the normal distribution, by Wilson
// and Hilferty.
func chiSquared(freedom, normal float64) float64 {
	k := 2 / (9 * freedom)
	return math.Pow(1-k+normal*math.Sqrt(k), 3)
}
