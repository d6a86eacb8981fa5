package profile

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// LeastSamples is how many samples of a program it takes to tell its lines apart: with 100, the share of a line that
// takes half of the time is known to ±10 %.
const LeastSamples = 100

// ProgramLines says in which lines the time of a program goes. The bodies of the lines add up to Body.
type ProgramLines struct {
	Program, Hook, Enforcer string
	Without                 string // why its lines are unknown; "": they are known
	Calls                   uint64
	Samples                 uint64
	// Body is what the rows that have samples took, in ns: exact or, if Divided, estimated from the samples.
	Body float64
	// Divided says that the hook was measured as a whole, and divided among its programs by the samples.
	Divided bool
	Lines   []LineCost // the most expensive first
	Source  []SourceLine
}

// LineCost is what one line of a program cost: its own instructions, and the helpers that it called.
type LineCost struct {
	Code    Code
	Text    string
	Samples uint64
	Body    float64 // of all calls, ns
	// Low and High are the 95 % interval of Body, from the number of samples.
	Low, High float64
	Helpers   []HelperCost // the most expensive first
}

// HelperCost is what a function of the kernel cost below a line.
type HelperCost struct {
	Function string
	Samples  uint64
	Body     float64 // of all calls, ns
}

// Few reports whether there are too few samples to tell the lines apart.
func (p *ProgramLines) Few() bool { return p.Samples < LeastSamples }

// PerCall returns what a part of Body is of one call, in ns; 0 without calls.
func (p *ProgramLines) PerCall(ns float64) float64 { return ratio(ns, float64(p.Calls)) }

// Share returns the share of a part of Body; 0 if that is 0.
func (p *ProgramLines) Share(ns float64) float64 { return ratio(ns, p.Body) }

// Lines divides the bodies of the rows that keep accepts among the lines of their programs, the most expensive program
// first. A nil keep accepts all. Rows without samples are left out. It returns nil if the insides of programs were not
// sampled.
func (c *Costs) Lines(keep func(*Cost) bool) []ProgramLines {
	if c.snapshot.Inside == nil {
		return nil
	}
	byProgram := map[programKey]*lineSums{}
	texts := c.snapshot.Inside.texts()
	for i := range c.Rows {
		if row := &c.Rows[i]; keep == nil || keep(row) {
			for _, path := range row.Paths {
				key := programKey{row.Program.Hook, path.Program, row.Program.Enforcer}
				if byProgram[key] == nil {
					byProgram[key] = &lineSums{lines: map[Code]*LineCost{}}
				}
				byProgram[key].divided = row.Program.Scope == ScopeHook
			}
		}
	}
	for i := range c.Rows {
		row := &c.Rows[i]
		if keep != nil && !keep(row) || len(row.Paths) == 0 {
			continue
		}
		for key, sums := range byProgram {
			ofRow := key.hook == row.Program.Hook && key.enforcer == row.Program.Enforcer
			if ofRow && (sums.divided || key.program == row.Program.Name) {
				sums.add(row, key.program)
			}
		}
	}
	sources := map[string]Source{}
	for _, s := range c.snapshot.Inside.Programs {
		sources[s.Program] = s
	}
	var out []ProgramLines
	for key, sums := range byProgram {
		p := sums.result(texts)
		p.Hook, p.Program, p.Enforcer = key.hook, key.program, key.enforcer
		p.Without, p.Source = sources[key.program].Without, sources[key.program].Lines
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b ProgramLines) int {
		return cmp.Or(cmp.Compare(b.Body, a.Body), cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Program,
			b.Program))
	})
	return out
}

type programKey struct{ hook, program, enforcer string }

// lineSums adds up the rows of a program.
type lineSums struct {
	calls, samples uint64
	body           float64 // of the rows, of the whole hook if it is divided
	variance       float64 // the sum of body²/samples over the rows
	lines          map[Code]*LineCost
	divided        bool
}

// add adds the samples of a row that are of one program. Each stands for an equal part of the row's body.
func (s *lineSums) add(row *Cost, program string) {
	var all uint64
	for _, path := range row.Paths {
		all += path.Count
	}
	s.calls += row.Calls
	s.body += row.Body
	s.variance += row.Body * row.Body / float64(all)
	for _, path := range row.Paths {
		if path.Program != program {
			continue
		}
		s.samples += path.Count
		line := path.line()
		cost := s.lines[line]
		if cost == nil {
			cost = &LineCost{Code: line}
			s.lines[line] = cost
		}
		ns := row.Body * float64(path.Count) / float64(all)
		cost.Samples += path.Count
		cost.Body += ns
		if inner := path.Code[0]; inner.Program == "" {
			cost.addHelper(inner.Function, path.Count, ns)
		}
	}
}

// line returns the innermost line of a path.
func (p *Path) line() Code {
	for _, c := range p.Code {
		if c.Program != "" {
			return c
		}
	}
	return Code{Program: p.Program, Function: p.Program}
}

func (l *LineCost) addHelper(function string, samples uint64, ns float64) {
	i := slices.IndexFunc(l.Helpers, func(h HelperCost) bool { return h.Function == function })
	if i < 0 {
		i, l.Helpers = len(l.Helpers), append(l.Helpers, HelperCost{Function: function})
	}
	l.Helpers[i].Samples += samples
	l.Helpers[i].Body += ns
}

func (s *lineSums) result(texts map[sourceKey]string) ProgramLines {
	p := ProgramLines{Calls: s.calls, Samples: s.samples, Divided: s.divided}
	// As many equally weighted samples would have the same variance.
	effective := ratio(s.body*s.body, s.variance)
	for _, code := range slices.SortedFunc(maps.Keys(s.lines), compareCode) {
		line := s.lines[code]
		line.Text = texts[sourceKey{code.Program, code.File, code.Line}]
		low, high := wilson(ratio(line.Body, s.body), effective)
		line.Low, line.High = low*s.body, high*s.body
		slices.SortFunc(line.Helpers, func(a, b HelperCost) int {
			return cmp.Or(cmp.Compare(b.Body, a.Body), cmp.Compare(a.Function, b.Function))
		})
		p.Body += line.Body
		p.Lines = append(p.Lines, *line)
	}
	slices.SortStableFunc(p.Lines, func(a, b LineCost) int { return cmp.Compare(b.Body, a.Body) })
	return p
}

func compareCode(a, b Code) int {
	return cmp.Or(cmp.Compare(a.Program, b.Program), cmp.Compare(a.Function, b.Function),
		cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

// wilson returns the 95 % interval of a share that was found among n samples.
func wilson(share, n float64) (low, high float64) {
	const z = 1.959964
	if n <= 0 {
		return 0, 1
	}
	centre := (share + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(share*(1-share)/n+z*z/(4*n*n))
	return max(0, centre-half), min(1, centre+half)
}

// Fact says how the insides of programs were sampled: `lines: 1,388 samples in programs, by cpu-clock at 997 Hz; left
// out: 120 in lsmprof's probes`.
func (in *Inside) Fact() string {
	s := fmt.Sprintf("lines: %s in programs, by %s at %s Hz", text.Plural(in.Samples, "sample"), in.Event,
		text.Thousands(in.Hz))
	var left []string
	for _, other := range []struct {
		n    uint64
		what string
	}{
		{in.Own, "in lsmprof's probes"},
		{in.Other, "in programs that several others call"},
		{in.Lost, "lost because a buffer was full"},
		{in.Unknown, "without a stack"},
	} {
		if other.n > 0 {
			left = append(left, text.Thousands(other.n)+" "+other.what)
		}
	}
	if len(left) > 0 {
		s += "; left out: " + strings.Join(left, ", ")
	}
	return s
}
