package report

import (
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// addMissing warns about missing rounds and profile runs, and about cells that vary too much for a figure.
func (r *Report) addMissing(run *rundir.Run) {
	var tests []string
	for _, t := range r.Tests {
		missing := []string{}
		if len(t.Cells) == 0 {
			tests = append(tests, t.Name)
			continue
		}
		for _, s := range r.Scenarios {
			if t.cell(s.Name) == nil {
				missing = append(missing, s.Name)
			}
		}
		if len(missing) > 0 {
			r.warn("%s has no round under %s", t.Name, text.List(missing))
		}
	}
	if len(tests) > 0 {
		r.warn("%s: no complete round", text.List(tests))
	}
	for _, t := range r.Tests {
		if len(t.Cells) > 0 && len(run.Explained) > 0 && run.Explained[t.Name] == nil {
			r.warn("%s has no profile run: its losses are not explained", t.Name)
		}
		for i := range t.Cells {
			if c := &t.Cells[i]; c.absurd() {
				r.warn("%s under %s scored %s times the baseline's score, and varies too much for "+
					"a figure: this machine cannot tell. "+
					"Quieten it and measure again", t.Name, c.Scenario, text.Number(c.Percent))
			}
		}
	}
	if r.How.RoundsMax == 1 {
		r.warn("there is only one round: no interval can be computed, and nothing can be significant")
	}
}

func (r *Report) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

func how(run *rundir.Run) How {
	i, plan := &run.Info, &run.Info.Plan
	h := How{
		Version: i.Version, Start: i.Start, Machine: Machine(i.Machine), Enforcer: i.Enforcer,
		Product: i.Product,
		Suite:   i.Suite, Order: plan.Order, Seed: plan.Seed, Runs: plan.Runs, SliceNs: int64(plan.Slice),
		WarmupNs: int64(plan.Warmup), PassNs: int64(plan.Pass), Container: plan.Container,
		Calibration: i.Calibration,
		Imported:    plan.Imported(), Commands: [][]string{},
	}
	h.Machine.Mitigations = slices.Concat([]string{}, h.Machine.Mitigations)
	h.Machine.LSMs = slices.Concat([]string{}, h.Machine.LSMs)
	if len(i.CommandLine) > 0 {
		h.Commands = append(h.Commands, i.CommandLine)
	}
	rounds := map[[2]string]int{}
	for _, r := range run.Results {
		rounds[[2]string{r.Test, r.Scenario}]++
	}
	for _, n := range rounds {
		h.RoundsMax = max(h.RoundsMax, n)
		if h.RoundsMin == 0 || n < h.RoundsMin {
			h.RoundsMin = n
		}
	}
	for _, cells := range run.Explained {
		for _, e := range cells {
			if e.Exposed() && (h.Completeness == nil || e.Completeness < *h.Completeness) {
				h.Completeness = &e.Completeness
			}
		}
	}
	return h
}
