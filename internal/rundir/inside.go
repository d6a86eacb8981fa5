package rundir

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/profile"
)

// Sources are the lines of the programs that profile runs sampled, by program.
type Sources map[string][]profile.SourceLine

// LinesOf returns in which lines the programs of a cell spend their time, without the texts of the lines, which are in
// SourcesFile.
func LinesOf(costs *profile.Costs) []profile.DocumentProgramLines {
	doc := costs.Document().Lines
	if doc == nil {
		return nil
	}
	for _, p := range doc.Programs {
		for i := range p.Lines {
			p.Lines[i].Text = ""
		}
	}
	return doc.Programs
}

// Sources returns the lines of the programs; none if the run has none.
func (r *Run) Sources() (Sources, error) {
	data, err := readFile(r.dir, SourcesFile, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var s Sources
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", SourcesFile, err)
	}
	return s, nil
}

// lineKey identifies a line of a program under a scenario.
type lineKey struct {
	program, function, file string
	line                    int
}

// Inside adds up, over the tests, where the programs spend their time under a scenario, the most expensive program
// first. Each test counts as often as weight says: profile runs last equally long, so that a slower scenario would look
// cheaper.
func (r *Run) Inside(scenario string, weight func(test string, ops float64) float64) []profile.DocumentProgramLines {
	type sum struct {
		profile.DocumentProgramLines
		calls    float64
		lines    map[lineKey]*profile.DocumentLine
		variance map[lineKey]float64
	}
	byProgram := map[[2]string]*sum{}
	for _, t := range r.Info.Plan.Tests {
		e := r.Explained[t.Name][scenario]
		w := weight(t.Name, e.Ops)
		if len(e.Lines) == 0 || !usable(w) {
			continue
		}
		for _, p := range e.Lines {
			key := [2]string{p.Hook, p.Program}
			s := byProgram[key]
			if s == nil {
				s = &sum{
					DocumentProgramLines: p, lines: map[lineKey]*profile.DocumentLine{},
					variance: map[lineKey]float64{},
				}
				s.BodyNs, s.Samples, s.Lines = 0, 0, nil
				byProgram[key] = s
			}
			s.calls += w * float64(p.Calls)
			s.BodyNs += w * p.BodyNs
			s.Samples += p.Samples
			for _, l := range p.Lines {
				k := lineKey{l.Program, l.Function, l.File, l.Line}
				known := s.lines[k]
				if known == nil {
					copied := l
					copied.BodyNs, copied.Samples, copied.Helpers = 0, 0, nil
					known = &copied
					s.lines[k] = known
				}
				known.BodyNs += w * l.BodyNs
				known.Samples += l.Samples
				half := w * (l.HighNs - l.LowNs) / 2
				s.variance[k] += half * half
				for _, h := range l.Helpers {
					known.Helpers = addHelper(known.Helpers, h, w)
				}
			}
		}
	}
	var out []profile.DocumentProgramLines
	for _, s := range byProgram {
		s.Calls = uint64(math.Round(s.calls))
		for k, l := range s.lines {
			half := math.Sqrt(s.variance[k])
			l.LowNs, l.HighNs = max(0, l.BodyNs-half), l.BodyNs+half
			slices.SortFunc(l.Helpers, func(a, b profile.DocumentHelper) int {
				return cmp.Or(cmp.Compare(b.BodyNs, a.BodyNs), cmp.Compare(a.Function, b.Function))
			})
			s.Lines = append(s.Lines, *l)
		}
		slices.SortFunc(s.Lines, func(a, b profile.DocumentLine) int {
			return cmp.Or(cmp.Compare(b.BodyNs, a.BodyNs), cmp.Compare(a.File, b.File),
				cmp.Compare(a.Line, b.Line),
				cmp.Compare(a.Function, b.Function))
		})
		out = append(out, s.DocumentProgramLines)
	}
	slices.SortFunc(out, func(a, b profile.DocumentProgramLines) int {
		return cmp.Or(cmp.Compare(b.BodyNs, a.BodyNs), cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Program,
			b.Program))
	})
	return out
}

func addHelper(all []profile.DocumentHelper, h profile.DocumentHelper, weight float64) []profile.DocumentHelper {
	i := slices.IndexFunc(all, func(known profile.DocumentHelper) bool { return known.Function == h.Function })
	if i < 0 {
		i, all = len(all), append(all, profile.DocumentHelper{Function: h.Function})
	}
	all[i].Samples += h.Samples
	all[i].BodyNs += weight * h.BodyNs
	return all
}

// usableLines reports whether figures of a run directory of unknown origin are possible.
func usableLines(all []profile.DocumentProgramLines) bool {
	ok := func(v float64) bool { return v >= 0 && v < 1e18 }
	for _, p := range all {
		if !ok(p.BodyNs) || p.Calls > 1e18 {
			return false
		}
		for _, l := range p.Lines {
			if !ok(l.BodyNs) || !ok(l.LowNs) || !ok(l.HighNs) || l.LowNs > l.HighNs {
				return false
			}
			for _, h := range l.Helpers {
				if !ok(h.BodyNs) {
					return false
				}
			}
		}
	}
	return true
}
