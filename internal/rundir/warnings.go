package rundir

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/internal/text"
)

// warn adds what a reader must know before believing the figures.
func (a *Analysis) warn(p *Plan, explained map[string]map[string]Explained) {
	cells := 0
	busy := map[string]bool{}
	for _, c := range a.Cells {
		if p.IsBaseline(c.Scenario) {
			continue
		}
		cells++
		if c.Rounds > 0 && 2*c.Busy > c.Rounds {
			busy[c.Test] = true
		}
	}
	if p.Order == Sequential {
		a.Warnings = append(a.Warnings,
			"the scenarios were measured one after the other: any change of the machine meanwhile is "+
				"part of the losses, and p ignores it")
	}
	if need := stats.RoundsForSignificance(cells); p.Order != Sequential {
		for _, t := range p.Tests {
			if n := roundsIn(a.Cells, t.Name); n > 0 && n < need {
				a.Warnings = append(a.Warnings,
					fmt.Sprintf("%s has too few rounds, %d: among %d cells no loss can be "+
						"significant with fewer than %d", t.Name, n,
						cells, need))
			}
		}
	}
	if len(busy) > 0 {
		a.Warnings = append(a.Warnings,
			fmt.Sprintf("other processes kept more than %.1f CPUs busy in most rounds of %s, which "+
				"makes the intervals wider",
				BusyAbove, list(busy)))
	}
	if n := len(a.Repeated); n > 0 {
		first := a.Repeated[0]
		a.Warnings = append(a.Warnings,
			fmt.Sprintf("%s repeated, first round %d of %s: %s", text.Plural(n, "round"), first.Round+1,
				strings.Join(first.Tests, ", "), strings.Join(first.Reasons, "; ")))
	}
	incomplete, uncalibrated, denied := map[string]bool{}, false, map[string]bool{}
	for test, cells := range explained {
		for name, e := range cells {
			if e.Exposed() && e.Completeness < 95 {
				incomplete[test] = true
			}
			uncalibrated = uncalibrated || e.Exposed() && !e.Calibrated
			for _, r := range e.Rows {
				if r.Denials > 0 {
					denied[test+" under "+name] = true
				}
			}
		}
	}
	if len(incomplete) > 0 {
		a.Warnings = append(a.Warnings,
			"less than 95 % of the hook calls were timed in the profiles of "+list(incomplete))
	}
	if uncalibrated {
		a.Warnings = append(a.Warnings, "not calibrated: explained losses come from uncorrected readings")
	}
	if len(denied) > 0 {
		a.Warnings = append(a.Warnings,
			"the enforcer denied calls in "+list(denied)+": a denied call can look like a speed-up")
	}
}

func roundsIn(cells []Cell, test string) int {
	n := 0
	for _, c := range cells {
		if c.Test == test {
			n = max(n, c.Rounds)
		}
	}
	return n
}

func list(set map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), ", ")
}
