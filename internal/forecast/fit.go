package forecast

import (
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/internal/stats"
)

// fit is a line through the costs of a place: one slope, and its own level for each source.
type fit struct {
	at       place
	sources  []level
	slope    float64 // ns per rule
	variance float64 // of slope
	most     int     // rules that were measured
	freedom  int     // of the residuals
	levels   []observation
	noPolicy []observation
	noRules  []observation
}

// level is the cost of a call with one rule in a source.
type level struct {
	source string
	first  float64
	rules  float64 // mean of the numbers that were measured: first and slope vary together around it
	own    float64 // variance without that of the slope
}

// fitPlace fits the line of a place. Its slope is NaN if no source has two numbers of rules.
func fitPlace(at place, all []observation, spread float64) fit {
	f := fit{at: at}
	for _, o := range all {
		switch {
		case o.rules > 0:
			f.levels = append(f.levels, o)
			f.most = max(f.most, o.rules)
		case o.confined:
			f.noRules = append(f.noRules, o)
		default:
			f.noPolicy = append(f.noPolicy, o)
		}
	}
	var sxx, sxy float64
	type sums struct{ w, x, y float64 }
	means := map[string]sums{}
	for _, o := range f.levels {
		w, m := weight(o, spread), means[o.source]
		means[o.source] = sums{m.w + w, m.x + w*float64(o.rules), m.y + w*o.mean}
	}
	distinct := map[string]map[int]bool{}
	for _, o := range f.levels {
		w, m := weight(o, spread), means[o.source]
		dx := float64(o.rules) - m.x/m.w
		sxx, sxy = sxx+w*dx*dx, sxy+w*dx*(o.mean-m.y/m.w)
		if distinct[o.source] == nil {
			distinct[o.source] = map[int]bool{}
		}
		distinct[o.source][o.rules] = true
	}
	f.slope, f.variance = math.NaN(), math.NaN()
	if sxx > 0 {
		f.slope, f.variance = sxy/sxx, 1/sxx
	}
	f.freedom = -1
	for source, m := range means {
		n := slices.IndexFunc(f.levels, func(o observation) bool { return o.source == source })
		if n < 0 {
			continue
		}
		l := level{source: source, rules: m.x / m.w, first: m.y / m.w, own: 1 / m.w}
		if sxx > 0 {
			l.first -= f.slope * (l.rules - 1)
		}
		f.sources = append(f.sources, l)
		f.freedom--
	}
	f.freedom = max(0, f.freedom+len(f.levels))
	if sxx == 0 {
		f.freedom = 0
	}
	slices.SortFunc(f.sources, func(a, b level) int {
		if a.source < b.source {
			return -1
		}
		return 1
	})
	return f
}

// weight returns the inverse variance of an observation. The runs of a benchmark differ from each other by a share of
// the cost, the spread, on top of the error that each of them knows.
func weight(o observation, spread float64) float64 {
	const least = 0.5 // ns: the step of the clock
	e := math.Hypot(max(o.err, least), spread*o.mean)
	return 1 / (e * e)
}

// residuals returns the sum of the squared distances from the line, in standard errors.
func (f *fit) residuals(spread float64) (sum float64) {
	if math.IsNaN(f.slope) {
		return 0
	}
	first := map[string]float64{}
	for _, l := range f.sources {
		first[l.source] = l.first
	}
	for _, o := range f.levels {
		d := o.mean - first[o.source] - f.slope*float64(o.rules-1)
		sum += weight(o, spread) * d * d
	}
	return sum
}

// unknownSpread is the spread of runs, as a share of the cost, where no line has a point to spare.
const unknownSpread = 0.01

// fitAll fits the line of every place. All of them together say by how much runs differ: the spread for which the
// residuals are as large as they should be. As in [stats.RunSpread], that is the 20 % quantile of chi-squared, so that
// a few points which happen to lie on their line do not make runs look alike.
func fitAll(all map[place][]observation) (fits []fit, spread float64, freedom int) {
	places := make([]place, 0, len(all))
	for at := range all {
		places = append(places, at)
	}
	slices.SortFunc(places, comparePlaces)
	attempt := func(spread float64) (sum float64) {
		fits, freedom = fits[:0], 0
		for _, at := range places {
			f := fitPlace(at, all[at], spread)
			fits, freedom, sum = append(fits, f), freedom+f.freedom, sum+f.residuals(spread)
		}
		return sum
	}
	chi2 := attempt(0)
	if freedom == 0 {
		attempt(unknownSpread)
		return fits, unknownSpread, 0
	}
	want := stats.ChiSquared20(freedom)
	low, high := 0.0, 1.0
	if chi2 <= want {
		return fits, 0, freedom
	}
	for range 40 {
		if mid := (low + high) / 2; attempt(mid) > want {
			low = mid
		} else {
			high = mid
		}
	}
	attempt(high)
	return fits, high, freedom
}
