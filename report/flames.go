package report

import (
	"errors"
	"fmt"
	"io/fs"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// flames are pprof's pages. What several have in common is there once.
type flames struct {
	Parts []string `json:"parts"`
	Pages []flame  `json:"pages"`

	index map[string]int
	size  int
}

// flame is one page: a scenario, or what changed from Base to it.
type flame struct {
	Scenario string `json:"scenario"`
	Base     string `json:"base"` // empty: the scenario itself
	Root     string `json:"root"`
	Parts    []int  `json:"parts"`
}

// roots are what stacks may begin with. Those of lsmprof's profiles begin with the workload; a bench has one for each test.
var roots = [...]struct{ name, tag string }{{"workload", "test"}, {"syscall", "syscall"}, {"rules", "rules"}}

const (
	// mostFlames is how much of a report they may be, in bytes.
	mostFlames = 1_200_000
	// mostScenarios is of how many there are flame graphs.
	mostScenarios = 12
)

// AddFlameGraphs makes pprof's pages of the run's profiles: each scenario, and the difference to the first that has a profile; in a
// comparison, to the same scenario of the old run.
func (r *Report) AddFlameGraphs(run, old *rundir.Run) {
	r.flames = &flames{index: map[string]int{}, Pages: []flame{}, Parts: []string{}}
	var first *pprof.Profile
	firstName, made, left := "", 0, 0
	wanted := operations(run)
	for _, s := range r.Scenarios {
		p, problems := merged(run, s.Name, wanted)
		r.Warnings = append(r.Warnings, problems...)
		if p == nil {
			continue
		}
		if made == mostScenarios || r.flames.size > mostFlames {
			left++
			continue
		}
		made++
		base, baseName := first, firstName
		if old != nil {
			base, problems = merged(old, s.Name, wanted)
			baseName = "old run"
			for _, p := range problems {
				r.Warnings = append(r.Warnings, "old run: "+p)
			}
		} else if first == nil {
			first, firstName = p, s.Name
		}
		for _, root := range roots {
			err := r.flames.add(p, nil, flame{Scenario: s.Name, Root: root.name}, root.tag)
			if err == nil && base != nil {
				err = r.flames.add(p, base, flame{Scenario: s.Name, Base: baseName, Root: root.name}, root.tag)
			}
			if err != nil {
				r.Warnings = append(r.Warnings, fmt.Sprintf("no flame graph of %s: %v", s.Name, err))
				break
			}
		}
	}
	if left > 0 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the flame graphs of %s are left out, to keep the report small; `lsmprof report --http localhost:0 RUN` has all",
			plural(left, "scenario")))
	}
}

// merged adds up the profiles of a scenario's tests, each scaled to the same operations in every scenario: profile runs last equally
// long, so that a slower one would look cheaper.
func merged(run *rundir.Run, scenario string, wanted map[string]float64) (*pprof.Profile, []string) {
	var all []*pprof.Profile
	var problems []string
	for _, t := range run.Info.Plan.Tests {
		done := run.Explained[t.Name][scenario].Ops
		if done <= 0 || wanted[t.Name] <= 0 {
			continue
		}
		p, err := run.Profile(scenario, t.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			problems = append(problems, fmt.Sprintf("%s is missing", rundir.ProfilePath(scenario, t.Name)))
			continue
		case err != nil:
			problems = append(problems, err.Error())
			continue
		case len(p.Sample) == 0:
			continue
		}
		p.Scale(wanted[t.Name] / done)
		p.TimeNanos, p.DurationNanos, p.Comments = 0, 0, nil
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, problems
	}
	p, err := pprof.Merge(all)
	if err != nil {
		return nil, append(problems, fmt.Sprintf("the profiles of %s do not fit together: %v", scenario, err))
	}
	return p, problems
}

func (f *flames) add(p, base *pprof.Profile, page flame, tag string) error {
	text, err := flameGraph(p, base, tag)
	if err != nil {
		return err
	}
	for _, part := range parts(text) {
		i, known := f.index[part]
		if !known {
			i = len(f.Parts)
			f.index[part] = i
			f.Parts = append(f.Parts, part)
			f.size += len(part)
		}
		page.Parts = append(page.Parts, i)
	}
	f.Pages = append(f.Pages, page)
	return nil
}

// operations are what all profiles of a test are scaled to: those of its first profile run.
func operations(run *rundir.Run) map[string]float64 {
	out := map[string]float64{}
	for _, t := range run.Info.Plan.Tests {
		for _, s := range run.Info.Plan.Scenarios {
			if n := run.Explained[t.Name][s.Name].Ops; out[t.Name] == 0 && n > 0 {
				out[t.Name] = n
			}
		}
	}
	return out
}

// ScenarioProfile is the profiles of all tests of a scenario together; nil where there is none.
func ScenarioProfile(run *rundir.Run, scenario string) *pprof.Profile {
	p, _ := merged(run, scenario, operations(run))
	return p
}
