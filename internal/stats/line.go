package stats

import (
	"errors"
	"math"
)

// Point is a value with its standard error. If the error of any point is 0, which means unknown, all points weigh the
// same.
type Point struct {
	X   float64 `json:"x"`
	Y   float64 `json:"y"`
	Err float64 `json:"err"`
	// Scatter and Rare are parts of Err, 0 if they are unknown: the error that the scatter of ordinary readings
	// leaves, and that of a few long readings which were taken out. Rare is known for each point, and differs
	// between points.
	Scatter float64 `json:"-"`
	Rare    float64 `json:"-"`
}

// Line is a weighted least-squares fit.
type Line struct {
	Intercept float64  `json:"intercept"`
	Slope     float64  `json:"slope"`
	SlopeCI   Interval `json:"slope_ci"` // 95 %
	R2        float64  `json:"r2"`       // share of the variance that the line explains
	// Bent: the points lie farther from the line than their errors allow, and one of them by more than 3 % of its
	// value.
	Bent bool `json:"bent"`
}

// byValue is the error, as a share of its value, by which a point weighs less than its own error says. See FitLine.
const byValue = 0.05

// FitLine fits a line to three or more points that are not all at the same X.
//
// How far the points lie off the line says how certain its slope is, whatever their errors: profile runs also differ
// from each other. The interval of the slope then only needs the ratios of the points' weights. What makes points vary
// grows with their values: calls by as much as they are long, runs by a share of the cost. An error that was estimated
// can be next to nothing instead, or the step of a clock, and would give all points the same weight. So points weigh by
// their values, unless their own errors are larger than 5 % of them. That covers the slope in 93 to 97 % of lines for
// any spread between runs; with errors of 0.5 % it was 91 % where runs are 1 % apart. Rare long readings are different:
// they hit some points and spare others, and with such weights the intervals through five points or more are too wide.
// There the spread is estimated; see spreadOf.
func FitLine(points []Point) (Line, error) {
	if len(points) < 3 {
		return Line{}, errors.New("a line needs at least three points")
	}
	known := true
	for _, p := range points {
		known = known && p.Err > 0
	}
	ofErrors := func(Point) float64 { return 1 }
	ofValues := ofErrors
	if known {
		ofErrors = func(p Point) float64 { return square(p.Err) }
		ofValues = weights(points)
	}
	byErrors, _ := fitWeighted(points, ofErrors)
	byValues, ok := fitWeighted(points, ofValues)
	if !ok {
		return Line{}, errors.New("a line needs points at different numbers of rules")
	}
	l := byValues.Line
	freedom := len(points) - 2
	half := StudentT95(freedom) * math.Sqrt(byValues.residual/float64(freedom)/byValues.sxx)
	l.SlopeCI = Interval{l.Slope - half, l.Slope + half}
	outside := l.R2 < 0.95
	if known {
		outside = byErrors.residual/float64(freedom) > chiSquared(float64(freedom), oneIn1000)
	}
	l.Bent = outside && l.farthest(points) > bentBy
	return l, nil
}

// weighted is a weighted fit with its sums of squares.
type weighted struct {
	Line
	residual, sxx float64
}

// fitWeighted fits a line to points of these variances. It returns false if all are at the same X.
func fitWeighted(points []Point, variance func(Point) float64) (weighted, bool) {
	var sw, sx, sy float64
	for _, p := range points {
		w := 1 / variance(p)
		sw, sx, sy = sw+w, sx+w*p.X, sy+w*p.Y
	}
	mx, my := sx/sw, sy/sw
	var sxx, sxy, syy float64
	for _, p := range points {
		w := 1 / variance(p)
		sxx += w * (p.X - mx) * (p.X - mx)
		sxy += w * (p.X - mx) * (p.Y - my)
		syy += w * (p.Y - my) * (p.Y - my)
	}
	if sxx == 0 {
		return weighted{}, false
	}
	l := Line{Slope: sxy / sxx, R2: 1}
	l.Intercept = my - l.Slope*mx
	residual := max(0, syy-l.Slope*sxy)
	if syy > 0 {
		l.R2 = 1 - residual/syy
	}
	return weighted{l, residual, sxx}, true
}

func square(x float64) float64 { return x * x }

// bentBy is the distance from a line, as a share of the value, that one can see.
const bentBy = 0.03

// farthest returns the largest distance of a point from the line, as a share of its value.
func (l *Line) farthest(points []Point) (most float64) {
	for _, p := range points {
		if fitted := l.Intercept + l.Slope*p.X; p.Y != fitted {
			most = max(most, math.Abs(p.Y-fitted)/max(math.Abs(p.Y), math.SmallestNonzeroFloat64))
		}
	}
	return most
}

// StudentT95 returns the two-sided 95 % quantile of Student's t.
func StudentT95(freedom int) float64 {
	table := []float64{
		12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
		2.145, 2.131,
	}
	if freedom <= len(table) {
		return table[freedom-1]
	}
	// Cornish-Fisher, good to 1e-3 from here on.
	z, n := zTwoSided, float64(freedom)
	return z + (z*z*z+z)/(4*n) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*n*n)
}
