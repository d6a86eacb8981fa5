package report

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// flames holds pprof's pages. Parts that several pages have in common are stored once.
type flames struct {
	Parts []string `json:"parts"`
	Pages []flame  `json:"pages"`

	problems []string // profiles that are missing or damaged
	index    map[string]int
	size     int // of all parts, in bytes
}

// flame is one page: a scenario, or the difference from Base to it.
type flame struct {
	Scenario string `json:"scenario"`
	Base     string `json:"base"` // empty: the scenario itself
	Root     string `json:"root"`
	Parts    []int  `json:"parts"` // indices into flames.Parts
}

// flameCache makes the flame graphs of a report when they are first needed: they take most of the time of a report.
type flameCache struct {
	once sync.Once
	made *flames
}

// roots are the levels that can be at the root of a flame graph. The stacks of a run's profiles begin with the test.
var roots = [...]string{rundir.LevelTest, profile.LevelSyscall}

const (
	mostFlames    = 1_200_000 // bytes of a report that flame graphs may take
	mostScenarios = 12        // that get flame graphs
)

// flameGraphs returns pprof's pages: of each scenario, and of its difference to the first scenario that has a profile
// or, in a comparison, to the same scenario of the old run.
func (r *Report) flameGraphs() *flames {
	r.flames.once.Do(func() { r.flames.made = r.makeFlameGraphs() })
	return r.flames.made
}

func (r *Report) makeFlameGraphs() *flames {
	f := &flames{index: map[string]int{}, Pages: []flame{}, Parts: []string{}}
	if r.run == nil {
		return f
	}
	var first *pprof.Profile
	firstName, made, left := "", 0, 0
	wanted := operations(r.run)
	for _, s := range r.Scenarios {
		p, problems := merged(r.run, s.Name, wanted)
		f.problems = append(f.problems, problems...)
		if p == nil {
			continue
		}
		if made == mostScenarios || f.size > mostFlames {
			left++
			continue
		}
		made++
		base, baseName := first, firstName
		if r.oldRun != nil {
			base, problems = merged(r.oldRun, s.Name, wanted)
			baseName = "old run"
			for _, p := range problems {
				f.problems = append(f.problems, "old run: "+p)
			}
		} else if first == nil {
			first, firstName = p, s.Name
		}
		if err := f.addScenario(s.Name, p, base, baseName); err != nil {
			f.problems = append(f.problems, fmt.Sprintf("no flame graph of %s: %v", s.Name, err))
		}
	}
	if left > 0 {
		f.problems = append(f.problems,
			fmt.Sprintf("the flame graphs of %s are left out to keep the page small; `lsmprof report "+
				"--http localhost:0 RUN` "+
				"has all", text.Plural(left, "scenario")))
	}
	return f
}

// merged adds up the profiles of a scenario's tests. Each is scaled to the same number of operations in every scenario:
// profile runs last equally long, so that a slower scenario would look cheaper. It returns nil if there is no profile.
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
		rundir.AddSyscallTime(p)
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

// addScenario adds the pages of a scenario by each root, and of its difference to base unless that is nil.
func (f *flames) addScenario(scenario string, p, base *pprof.Profile, baseName string) error {
	p, err := simplified(p)
	if err != nil {
		return err
	}
	if base, err = simplified(base); err != nil {
		return err
	}
	for _, root := range roots {
		if err := f.add(p, nil, flame{Scenario: scenario, Root: root}); err != nil {
			return err
		}
		if base == nil {
			continue
		}
		if err := f.add(p, base, flame{Scenario: scenario, Base: baseName, Root: root}); err != nil {
			return err
		}
	}
	return nil
}

func (f *flames) add(p, base *pprof.Profile, page flame) error {
	html, err := flameGraph(rooted(p, page.Root), rooted(base, page.Root))
	if err != nil {
		return err
	}
	for _, part := range parts(html) {
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

// tooThin is the share of the time below which a system call is too thin to be seen.
const tooThin = 1e-3

// otherSyscalls is the frame of those that are too thin.
const otherSyscalls = profile.LevelSyscall + ".other"

// simplified returns what an embedded flame graph shows of a profile: no lines and helpers, which the section on the
// inside of programs has, no thin system calls, and no labels. These are most of the stacks, and would make the page
// three times as large.
func simplified(p *pprof.Profile) (*pprof.Profile, error) {
	if p == nil {
		return nil, nil
	}
	p = p.Copy()
	value := func(s *pprof.Sample) int64 { return s.Value[len(s.Value)-1] }
	var total int64
	bySyscall := map[string]int64{}
	for _, s := range p.Sample {
		total += value(s)
		bySyscall[frameAt(s, profile.LevelSyscall)] += value(s)
	}
	for _, f := range p.Function {
		if ns, ok := bySyscall[f.Name]; ok && float64(ns) < tooThin*float64(total) {
			f.Name, f.SystemName = otherSyscalls, otherSyscalls
		}
	}
	other := map[*pprof.Location]*pprof.Location{} // one of the locations that are the same now, by mapping
	first := map[*pprof.Mapping]*pprof.Location{}
	for _, l := range p.Location {
		if len(l.Line) > 0 && l.Line[0].Function.Name == otherSyscalls {
			if first[l.Mapping] == nil {
				first[l.Mapping] = l
			}
			other[l] = first[l.Mapping]
		}
	}
	for _, s := range p.Sample {
		s.Label, s.NumLabel, s.NumUnit = nil, nil, nil
		s.Location = slices.DeleteFunc(s.Location, func(l *pprof.Location) bool {
			return hasLevel(l, profile.LevelLine) || hasLevel(l, profile.LevelHelper)
		})
		for i, l := range s.Location {
			if o := other[l]; o != nil {
				s.Location[i] = o
			}
		}
	}
	merged, err := pprof.Merge([]*pprof.Profile{p})
	if err != nil {
		return nil, fmt.Errorf("simplify the flame graph: %w", err)
	}
	return merged, nil
}

// hasLevel reports whether a location is a frame of a level.
func hasLevel(l *pprof.Location, level string) bool {
	return len(l.Line) > 0 && strings.HasPrefix(l.Line[0].Function.Name, level+".")
}

// frameAt returns the name of the frame of a level in a stack, or "".
func frameAt(s *pprof.Sample, level string) string {
	for _, l := range s.Location {
		if hasLevel(l, level) {
			return l.Line[0].Function.Name
		}
	}
	return ""
}

// rooted returns a copy of a profile whose stacks begin with the frame of a level. Those without such a frame stay as
// they are.
func rooted(p *pprof.Profile, level string) *pprof.Profile {
	if p == nil {
		return nil
	}
	p = p.Copy()
	for _, s := range p.Sample {
		i := slices.IndexFunc(s.Location, func(l *pprof.Location) bool { return hasLevel(l, level) })
		if i >= 0 {
			root := s.Location[i]
			s.Location = append(slices.Delete(s.Location, i, i+1), root)
		}
	}
	return p
}

// operations returns, by test, the number of operations that all of its profiles are scaled to: those of its first
// profile run.
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
