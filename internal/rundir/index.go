package rundir

import "github.com/lsmprof/lsmprof/internal/unixbench/score"

// Index is UnixBench's index of one scenario. The rounds are its passes, of which it drops the lowest third. It allows
// comparison with published scores; the cells say more exactly whether something was lost.
type Index struct {
	Scenario string             `json:"scenario"`
	Copies   int                `json:"copies"`
	Scores   map[string]float64 `json:"scores"` // by test, reduced from several passes as UnixBench does
	PerTest  map[string]float64 `json:"tests"`
	System   float64            `json:"system"`  // geometric mean
	Partial  bool               `json:"partial"` // not all of UnixBench's twelve tests are in it
}

// indexes returns an index for each number of copies and each scenario.
func indexes(p *Plan, results []Result) []Index {
	type cell struct{ test, scenario string }
	passes := map[cell][]score.Pass{}
	tests := map[string]Test{}
	var copies []int
	seen := map[int]bool{}
	for _, t := range p.Tests {
		if n := max(1, t.Copies); t.Baseline > 0 {
			tests[t.Name] = t
			if !seen[n] {
				seen[n], copies = true, append(copies, n)
			}
		}
	}
	for i := range results {
		r := &results[i]
		if t, ok := tests[r.Test]; ok {
			key := cell{r.Test, r.Scenario}
			passes[key] = append(passes[key], passOf(t, r))
		}
	}
	out := []Index{}
	for _, n := range copies {
		for _, s := range p.Scenarios {
			scores := map[string]float64{}
			for _, t := range tests {
				if all := passes[cell{t.Name, s.Name}]; max(1, t.Copies) == n && len(all) > 0 {
					scores[t.Base()], _ = score.Reduce(all)
				}
			}
			if s.SecondBaseline || len(scores) == 0 {
				continue
			}
			perTest, system, partial := score.Index(scores)
			out = append(out, Index{s.Name, n, scores, perTest, system, partial})
		}
	}
	return out
}

// passOf returns a round as UnixBench sees a pass. Tests whose programs print rates are sorted by rate, all others by
// count.
func passOf(t Test, r *Result) score.Pass {
	value := t.Score(r.Rate())
	if t.Unit == "KBps" || t.Unit == "MWIPS" {
		return score.Pass{Count: value, Time: r.Ns / 1e9}
	}
	return score.Pass{Count: value * r.Ns / 1e9, Timebase: 1, Time: r.Ns / 1e9}
}
