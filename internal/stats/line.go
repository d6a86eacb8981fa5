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

// FitLine fits a line to three or more points that are not all at the same X.
func FitLine(points []Point) (Line, error) {
	if len(points) < 3 {
		return Line{}, errors.New("a line needs at least three points")
	}
	known := true
	for _, p := range points {
		known = known && p.Err > 0
	}
	weight := func(p Point) float64 {
		if known {
			return 1 / (p.Err * p.Err)
		}
		return 1
	}
	var sw, sx, sy float64
	for _, p := range points {
		w := weight(p)
		sw, sx, sy = sw+w, sx+w*p.X, sy+w*p.Y
	}
	mx, my := sx/sw, sy/sw
	var sxx, sxy, syy float64
	for _, p := range points {
		w := weight(p)
		sxx += w * (p.X - mx) * (p.X - mx)
		sxy += w * (p.X - mx) * (p.Y - my)
		syy += w * (p.Y - my) * (p.Y - my)
	}
	if sxx == 0 {
		return Line{}, errors.New("a line needs points at different numbers of rules")
	}
	l := Line{Slope: sxy / sxx}
	l.Intercept = my - l.Slope*mx
	residual := max(0, syy-l.Slope*sxy)
	l.R2 = 1
	if syy > 0 {
		l.R2 = 1 - residual/syy
	}
	// How far the points lie off the line says how certain it is, whatever their own errors: profile runs also
	// differ from each other. The errors only give the weights.
	freedom := len(points) - 2
	perDegree := residual / float64(freedom)
	half := StudentT95(freedom) * math.Sqrt(perDegree/sxx)
	l.SlopeCI = Interval{l.Slope - half, l.Slope + half}
	outside := l.R2 < 0.95
	if known {
		outside = perDegree > bentFrom(freedom)
	}
	l.Bent = outside && l.farthest(points) > bentBy
	return l, nil
}

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

// bentFrom returns the 99.9 % quantile of chi-squared per degree of freedom, by Wilson and Hilferty.
func bentFrom(freedom int) float64 {
	k := 2.0 / (9 * float64(freedom))
	return math.Pow(1-k+3.0902*math.Sqrt(k), 3)
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
