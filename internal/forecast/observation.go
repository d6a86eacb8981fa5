package forecast

import (
	"cmp"
	"slices"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// observation is the cost of a call that was measured under one number of rules.
type observation struct {
	source   string // a test or a workload: its paths have their own depth
	at       place
	enforcer string
	confined bool // a policy is in force, perhaps without rules
	rules    int
	mean     float64 // ns, without interruptions
	whole    float64 // ns, with interruptions; 0: the same
	err      float64 // standard error of the mean, ns
}

// place is where a program runs.
type place struct{ program, hook, syscall string }

func (p place) kind() string { return rules.KindOf(p.hook) }

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.hook, b.hook), cmp.Compare(a.program, b.program), cmp.Compare(a.syscall, b.syscall))
}

// fewest is the number of calls per operation below which calls belong to a test's own bookkeeping.
const fewest = 1e-3

// observationsOf returns what the profile runs of a benchmark measured, in a fixed order.
func observationsOf(run *rundir.Run) []observation {
	var out []observation
	for _, s := range run.Info.Plan.Scenarios {
		for test, cells := range run.Explained {
			for _, r := range cells[s.Name].Rows {
				if r.Rules < 0 || r.Calls < fewest {
					continue
				}
				out = append(out, observation{
					source: test, at: place{r.Program, r.Hook, r.Syscall},
					enforcer: run.Info.Enforcer,
					confined: s.Confined, rules: r.Rules, mean: cmp.Or(r.Typical, r.Mean),
					whole: r.Mean, err: r.Err,
				})
			}
		}
	}
	slices.SortStableFunc(out, compareObservations)
	return straighter(out)
}

// straighter replaces the means of a source at a place by those that contain interruptions if they lie nearer to a
// line. Where a source has paths of several lengths, the calls with the long ones can be mistaken for interruptions,
// under some numbers of rules and not under others.
func straighter(all []observation) []observation {
	for from, to := 0, 0; from < len(all); from = to {
		var plain, whole []stats.Point
		for to = from; to < len(all) && all[to].at == all[from].at && all[to].source == all[from].source; to++ {
			if o := all[to]; o.rules > 0 && o.whole > 0 {
				plain = append(plain, stats.Point{X: float64(o.rules), Y: o.mean})
				whole = append(whole, stats.Point{X: float64(o.rules), Y: o.whole})
			}
		}
		a, err := stats.FitLine(plain)
		b, err2 := stats.FitLine(whole)
		if err == nil && err2 == nil && b.R2 > a.R2 {
			for i := from; i < to; i++ {
				all[i].mean = cmp.Or(all[i].whole, all[i].mean)
			}
		}
	}
	return all
}

func compareObservations(a, b observation) int {
	return cmp.Or(comparePlaces(a.at, b.at), cmp.Compare(a.source, b.source), cmp.Compare(a.rules, b.rules),
		cmp.Compare(a.mean, b.mean))
}
