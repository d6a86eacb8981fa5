package rundir

import (
	"math"

	"github.com/lsmprof/lsmprof/internal/stats"
)

// logLosses turns losses into logarithms of ratios, which are symmetric about zero if scenario and baseline are alike:
// twice the score and half the score are equally far from it.
func logLosses(losses []float64) []float64 {
	out := make([]float64, len(losses))
	for i, loss := range losses {
		out[i] = -math.Log1p(-loss)
	}
	return out
}

func rates(rs []Result) []float64 {
	out := make([]float64, len(rs))
	for i := range rs {
		out[i] = rs[i].Rate()
	}
	return out
}

// Losses returns, by scenario, the loss in each round. The second baseline is compared with the first, and every other
// scenario with a baseline that is mixed from both (see mixedBaseline). In sequential order rounds have nothing in
// common, so that each is compared with the median of the baseline's.
func Losses(p *Plan, results []Result, test string) [][]float64 {
	if p.Order == Sequential {
		return sequentialLosses(p, results, test)
	}
	out := make([][]float64, len(p.Scenarios))
	for _, round := range roundsOf(p, results, test) {
		base := round[p.Baseline()]
		if base == nil || base.Rate() == 0 {
			continue
		}
		mixed := base.Rate()
		if second := p.SecondBaseline(); second >= 0 && round[second] != nil {
			mixed = mixedBaseline(base, round[second])
		}
		for i, r := range round {
			if r == nil || r.Rate() == 0 {
				continue
			}
			against := mixed
			if i == p.SecondBaseline() || i == p.Baseline() {
				against = base.Rate()
			}
			out[i] = append(out[i], 1-r.Rate()/against)
		}
	}
	return out
}

// mixedBaseline returns the rate of a baseline made of as many slices as every scenario has: the first ones of one
// baseline and the last ones of the other.
//
// One baseline runs before the scenarios and the other one after them, in an order that changes from round to round.
// Slices from both cancel most of a drift. Averaging all slices of both would cancel all of it, but an average of twice
// as many slices has fewer and smaller disturbances than a scenario: where slow slices are rare and large, most
// scenarios would seem to gain. With equally many slices, a scenario without an effect is as often above as below. A
// whole pass cannot be divided, and is compared with one baseline.
func mixedBaseline(first, second *Result) float64 {
	n := len(first.Slices)
	if n < 2 || len(second.Slices) != n {
		return first.Rate()
	}
	ops, ns := 0.0, 0.0
	for i, slice := range first.Slices {
		if i > n/2 {
			slice = second.Slices[i]
		}
		ops, ns = ops+slice[0], ns+slice[1]
	}
	if !(ops > 0) || !(ns > 0) {
		return first.Rate()
	}
	return ops / ns * 1e9
}

func sequentialLosses(p *Plan, results []Result, test string) [][]float64 {
	out := make([][]float64, len(p.Scenarios))
	rounds := roundsOf(p, results, test)
	var base []float64
	for _, round := range rounds {
		if r := round[p.Baseline()]; r != nil && r.Rate() > 0 {
			base = append(base, r.Rate())
		}
	}
	if len(base) == 0 {
		return out
	}
	median := stats.Median(base)
	for _, round := range rounds {
		for i, r := range round {
			if r != nil && r.Rate() > 0 {
				out[i] = append(out[i], 1-r.Rate()/median)
			}
		}
	}
	return out
}

// roundsOf returns the results of each round of a test, by the index of the scenario; nil: the round has none.
func roundsOf(p *Plan, results []Result, test string) [][]*Result {
	index := map[string]int{}
	for i, s := range p.Scenarios {
		index[s.Name] = i
	}
	byRound := map[int][]*Result{}
	var order []int
	for i := range results {
		if r := &results[i]; r.Test == test {
			if byRound[r.Round] == nil {
				byRound[r.Round] = make([]*Result, len(p.Scenarios))
				order = append(order, r.Round)
			}
			byRound[r.Round][index[r.Scenario]] = r
		}
	}
	var out [][]*Result
	for _, n := range order {
		out = append(out, byRound[n])
	}
	return out
}

// sensitivity returns the stats.Sensitivity of a run. In sequential order the baseline's rounds are not paired with the
// others, and its noise adds to theirs.
func sensitivity(p *Plan, rounds, cells int) float64 {
	x := stats.Sensitivity(rounds, cells)
	if p.Order == Sequential {
		x *= math.Sqrt2
	}
	return x
}
