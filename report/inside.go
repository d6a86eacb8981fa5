package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

//go:embed inside.html
var insideHTML string

const (
	mostInside      = 8   // programs that the page shows
	mostInsideLines = 400 // of a program that the page shows
	helpersShown    = 3   // below a line
)

// insides are the sources of the programs with their costs.
type insides struct {
	Programs []insideProgram
	More     int // programs that are left out
	Few      int // programs with too few samples
}

// insideProgram is one program under the scenario that costs most, and the difference to the one that costs least.
type insideProgram struct {
	Name, Hook string
	Scenario   string
	Base       string // empty: there is one scenario only
	PerCall    float64
	Samples    uint64
	Divided    bool
	Without    string
	Lines      []insideLine
}

// insideLine is a line with its cost per call.
type insideLine struct {
	File    string // before the first line of a file
	Gap     bool   // lines without samples are left out here
	Line    int    // 0: the line of a function is unknown
	Text    string
	Sampled bool
	Ns      float64
	Share   float64 // of the program
	Delta   float64 // to the base scenario, ns
	Certain bool    // the difference is beyond the intervals of both
	Helpers []insideHelper
}

type insideHelper struct {
	Function string
	Ns       float64
}

// Inside works out the section about the insides of programs.
func (v *view) Inside() (*insides, error) {
	out := &insides{}
	if v.run == nil {
		return out, nil
	}
	wanted := operations(v.run)
	weight := func(test string, ops float64) float64 { return wanted[test] / ops }
	type found struct {
		scenario string
		profile.DocumentProgramLines
	}
	byProgram := map[[2]string][]found{}
	for _, s := range v.Scenarios {
		for _, p := range v.run.Inside(s.Name, weight) {
			if p.Samples >= profile.LeastSamples && p.Calls > 0 {
				key := [2]string{p.Hook, p.Program}
				byProgram[key] = append(byProgram[key], found{s.Name, p})
			} else {
				out.Few++
			}
		}
	}
	if len(byProgram) == 0 {
		return out, nil
	}
	sources, err := v.run.Sources()
	if err != nil {
		return out, err
	}
	for _, all := range byProgram {
		slices.SortStableFunc(all, func(a, b found) int {
			return cmp.Compare(perCall(&b.DocumentProgramLines, b.BodyNs), perCall(&a.DocumentProgramLines,
				a.BodyNs))
		})
		most, least := &all[0], &all[len(all)-1]
		p := insideProgram{
			Name: most.Program, Hook: most.Hook, Scenario: most.scenario, Samples: most.Samples,
			PerCall: perCall(&most.DocumentProgramLines, most.BodyNs), Divided: most.Divided,
			Without: most.Without,
		}
		var base *profile.DocumentProgramLines
		if len(all) > 1 {
			p.Base, base = least.scenario, &least.DocumentProgramLines
		}
		p.Lines = annotate(&most.DocumentProgramLines, base, sources)
		out.Programs = append(out.Programs, p)
	}
	slices.SortFunc(out.Programs, func(a, b insideProgram) int {
		return cmp.Or(cmp.Compare(b.PerCall, a.PerCall), cmp.Compare(a.Name, b.Name))
	})
	if len(out.Programs) > mostInside {
		out.More, out.Programs = len(out.Programs)-mostInside, out.Programs[:mostInside]
	}
	return out, nil
}

// HasInside reports whether a profile run sampled the insides of programs.
func (v *view) HasInside() bool {
	if v.run == nil {
		return false
	}
	for _, cells := range v.run.Explained {
		for _, e := range cells {
			if len(e.Lines) > 0 {
				return true
			}
		}
	}
	return false
}

// Heading returns the line above a program.
func (p *insideProgram) Heading() string {
	s := fmt.Sprintf("%s under %s: %s per call, %s", p.Hook, p.Scenario, text.Duration(p.PerCall),
		text.Plural(p.Samples, "sample"))
	if p.Divided {
		s += "; an estimate, because the hook was measured as a whole"
	}
	return s
}

// Bar returns the width of a line's heat bar, in percent.
func (l *insideLine) Bar() string { return fmt.Sprintf("%.1f", 100*min(1, l.Share)) }

// Heat returns how hot a line is, from 1 to 9.
func (l *insideLine) Heat() int { return min(9, 1+int(20*l.Share)) }

// DeltaText returns the difference to the base scenario, or ~ if it may be chance.
func (l *insideLine) DeltaText() string {
	switch {
	case !l.Certain:
		return "~"
	case l.Delta < 0:
		return "−" + text.Duration(-l.Delta)
	}
	return "+" + text.Duration(l.Delta)
}
