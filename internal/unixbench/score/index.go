package score

import (
	"math"
	"slices"
)

// Pass is the result of one pass of one test as UnixBench sees it.
type Pass struct {
	Count float64
	// Timebase is the duration in s that Count is for; 0: Count is a rate already.
	Timebase float64
	Time     float64 // that the pass took, in s
	Unit     string
	Status   int
}

// Value returns the score of the pass.
func (p Pass) Value() float64 {
	if p.Timebase == 0 {
		return p.Count
	}
	return p.Count * p.Timebase / p.Time
}

// Reduce reduces passes to one score as UnixBench does: it drops the lowest third by count, not by rate, and returns
// the geometric mean of the others and their number. Without passes both are 0.
func Reduce(passes []Pass) (score float64, kept int) {
	best := bestPasses(passes)
	logs := 0.0
	for _, p := range best {
		logs += math.Log(p.Value())
	}
	if len(best) == 0 {
		return 0, 0
	}
	return math.Exp(logs / float64(len(best))), len(best)
}

func bestPasses(passes []Pass) []Pass {
	sorted := slices.Clone(passes)
	slices.SortStableFunc(sorted, func(a, b Pass) int {
		switch {
		case a.Count < b.Count:
			return -1
		case a.Count > b.Count:
			return 1
		}
		return 0
	})
	return sorted[len(sorted)/3:]
}

// Index returns the index of each test and that of the system, from scores by test name. Other tests, and scores that
// are not positive numbers, are ignored. partial reports whether any of the twelve tests has no index ("Partial Only").
func Index(scores map[string]float64) (perTest map[string]float64, system float64, partial bool) {
	perTest = map[string]float64{}
	logs := 0.0
	tests := Tests()
	for _, t := range tests {
		score, ok := scores[t.Name]
		if !ok || !(score > 0) || math.IsInf(score, 0) {
			continue
		}
		perTest[t.Name] = score / t.Baseline * 10
		logs += math.Log(score / t.Baseline)
	}
	if n := len(perTest); n > 0 {
		system = math.Exp(logs/float64(n)) * 10
	}
	return perTest, system, len(perTest) < len(tests)
}
