package forecast

import "math"

// estimate is a value with its errors by cause. Errors of one cause add up, with their signs: if a slope is too steep,
// it is so for all rows. Errors of different causes are independent.
type estimate struct {
	value  float64
	errors map[string]float64 // standard deviations
}

func exactly(v float64) estimate { return estimate{value: v} }

// with adds an error with its cause to an estimate, and returns the estimate. It changes the map of errors in place, so
// only call it on an estimate that has just been made.
func (e estimate) with(cause string, deviation float64) estimate {
	if deviation == 0 {
		return e
	}
	if e.errors == nil {
		e.errors = map[string]float64{}
	}
	e.errors[cause] += deviation
	return e
}

func (e estimate) plus(o estimate) estimate {
	out := estimate{value: e.value + o.value, errors: make(map[string]float64, len(e.errors)+len(o.errors)+1)}
	for _, m := range []map[string]float64{e.errors, o.errors} {
		for cause, d := range m {
			out.errors[cause] += d
		}
	}
	return out
}

// add adds o to e in place.
func (e *estimate) add(o estimate) {
	if e.errors == nil {
		e.errors = map[string]float64{}
	}
	e.value += o.value
	for cause, d := range o.errors {
		e.errors[cause] += d
	}
}

func (e estimate) times(factor float64) estimate {
	out := estimate{value: e.value * factor, errors: make(map[string]float64, len(e.errors))}
	for cause, d := range e.errors {
		out.errors[cause] = d * factor
	}
	return out
}

// between returns the estimate at a share of the way from e to o.
func (e estimate) between(o estimate, share float64) estimate {
	out := e.times(1 - share)
	out.add(o.times(share))
	return out
}

// deviation returns the standard deviation of the estimate.
func (e estimate) deviation() float64 {
	sum := 0.0
	for _, d := range e.errors {
		sum += d * d
	}
	return math.Sqrt(sum)
}
