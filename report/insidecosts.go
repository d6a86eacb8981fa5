package report

import (
	"cmp"
	_ "embed"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

func perCall(p *profile.DocumentProgramLines, ns float64) float64 {
	if p.Calls == 0 {
		return 0
	}
	return ns / float64(p.Calls)
}

// place is a line of the source of a program. Without a file it is a function.
type place struct {
	file string
	line int
	name string
}

func placeOf(l *profile.DocumentLine) place {
	if l.File == "" {
		return place{name: l.Function}
	}
	return place{file: l.File, line: l.Line}
}

// placeCost is the cost of a place per call.
type placeCost struct {
	ns, half float64
	samples  uint64
	helpers  map[string]float64
}

// costsOf returns what each place costs per call, over all copies of code that was inlined more than once.
func costsOf(p *profile.DocumentProgramLines) map[place]*placeCost {
	all := map[place]*placeCost{}
	if p == nil {
		return all
	}
	for i := range p.Lines {
		l := &p.Lines[i]
		c := all[placeOf(l)]
		if c == nil {
			c = &placeCost{helpers: map[string]float64{}}
			all[placeOf(l)] = c
		}
		c.ns += perCall(p, l.BodyNs)
		c.half = math.Hypot(c.half, perCall(p, l.HighNs-l.LowNs)/2)
		c.samples += l.Samples
		for _, h := range l.Helpers {
			c.helpers[h.Function] += perCall(p, h.BodyNs)
		}
	}
	return all
}

// annotate returns the lines of a program with their costs, in the order of the source, and how much more they are than
// in base.
func annotate(p, base *profile.DocumentProgramLines, sources map[string][]profile.SourceLine) []insideLine {
	now, before := costsOf(p), costsOf(base)
	texts := map[place]string{}
	for _, program := range programsOf(p) {
		for _, l := range sources[program] {
			texts[place{file: l.File, line: l.Line}] = l.Text
		}
	}
	for at := range now {
		if _, ok := texts[at]; !ok {
			texts[at] = at.name
		}
	}
	places := make([]place, 0, len(texts))
	for at := range texts {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.name, b.name))
	})
	var out []insideLine
	file := ""
	for i, at := range places {
		l := insideLine{Line: at.line, Text: indented(texts[at])}
		if i == 0 || at.file != file {
			file, l.File = at.file, "functions"
			if at.file != "" {
				l.File = path.Base(at.file)
			}
		}
		if c := now[at]; c != nil {
			l.Sampled, l.Ns, l.Share = true, c.ns, c.ns/perCall(p, p.BodyNs)
			b := before[at]
			if b == nil && base != nil {
				b = &placeCost{half: noSample(base)}
			}
			if b != nil {
				l.Delta = c.ns - b.ns
				l.Certain = math.Abs(l.Delta) > math.Hypot(c.half, b.half)
			}
			l.Helpers = mostExpensive(c.helpers, c.ns)
		}
		out = append(out, l)
	}
	return shortened(out)
}

// noSample returns what a line without a sample may cost per call: with 95 % confidence at most three samples' worth.
func noSample(p *profile.DocumentProgramLines) float64 {
	return 3 * perCall(p, p.BodyNs) / float64(max(1, p.Samples))
}

// programsOf returns the programs that lines are in: with tail calls there are several.
func programsOf(p *profile.DocumentProgramLines) []string {
	names := []string{p.Program}
	for _, l := range p.Lines {
		if !slices.Contains(names, l.Program) {
			names = append(names, l.Program)
		}
	}
	return names
}

// mostExpensive returns the helpers that take most of a line.
func mostExpensive(all map[string]float64, line float64) (out []insideHelper) {
	for name, ns := range all {
		if ns >= line/20 {
			out = append(out, insideHelper{name, ns})
		}
	}
	slices.SortFunc(out, func(a, b insideHelper) int {
		return cmp.Or(cmp.Compare(b.Ns, a.Ns), cmp.Compare(a.Function, b.Function))
	})
	return out[:min(len(out), helpersShown)]
}

// indented replaces the tabs of a line, which HTML would drop.
func indented(line string) string {
	rest := strings.TrimLeft(line, " \t")
	depth := 0
	for _, c := range line[:len(line)-len(rest)] {
		if depth++; c == '\t' {
			depth += 3
		}
	}
	return strings.Repeat("\u00a0", min(depth, 40)) + text.Cut(text.Printable(rest), 160)
}

// shortened leaves out lines without samples that are not next to one with samples.
func shortened(lines []insideLine) (out []insideLine) {
	near := func(i int) bool {
		for _, j := range []int{i - 1, i, i + 1} {
			if j >= 0 && j < len(lines) && lines[j].Sampled {
				return true
			}
		}
		return false
	}
	file := ""
	for i, l := range lines {
		if l.File != "" {
			file = l.File
		}
		switch {
		case len(out) == mostInsideLines:
			return out
		case near(i):
			l.File, file = cmp.Or(l.File, file), ""
			out = append(out, l)
		case len(out) > 0 && !out[len(out)-1].Gap && file == "":
			out = append(out, insideLine{Gap: true})
		}
	}
	return out
}
