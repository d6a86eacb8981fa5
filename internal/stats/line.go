package stats

import (
	"errors"
	"math"
)

// Point is a value with its standard error; 0: not known, all points then weigh the same.
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
	// R2 is how much of the variance the line explains; Bent says that the points are further from it than their errors allow.
	R2   float64 `json:"r2"`
	Bent bool    `json:"bent"`
}

// FitLine fits a line to three points or more.
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
	freedom := len(points) - 2
	perDegree := residual / float64(freedom)
	if known {
		// The errors say how far points may lie off the line; where they lie further, the line is given their distance.
		l.Bent = perDegree > bentFrom(freedom)
		perDegree = max(1, perDegree)
	} else {
		l.Bent = l.R2 < 0.95
	}
	half := studentT95(freedom) * math.Sqrt(perDegree/sxx)
	l.SlopeCI = Interval{l.Slope - half, l.Slope + half}
	return l, nil
}

// bentFrom is the 99.9 % quantile of chi-squared per degree of freedom, by Wilson and Hilferty.
func bentFrom(freedom int) float64 {
	k := 2.0 / (9 * float64(freedom))
	return math.Pow(1-k+3.0902*math.Sqrt(k), 3)
}

// studentT95 is the two-sided 95 % quantile of Student's t.
func studentT95(freedom int) float64 {
	table := []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131}
	if freedom <= len(table) {
		return table[freedom-1]
	}
	// Cornish-Fisher, good to 1e-3 from here on.
	z, n := zTwoSided, float64(freedom)
	return z + (z*z*z+z)/(4*n) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*n*n)
}
