package top

import (
	"strings"

	"github.com/lsmprof/lsmprof/internal/costtable"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// WantsLines reports whether the user looks at the lines of programs, which are sampled only meanwhile.
func (m *Model) WantsLines() bool { return m.lines }

// NoLines says why the insides of programs cannot be sampled.
func (m *Model) NoLines(err error) { m.noLines = err.Error() }

// showLines turns to the lines of the programs in the selected row, or back.
func (m *Model) showLines() {
	m.lines, m.noLines = !m.lines, ""
	m.live.inside, m.shown.inside = profile.Costs{}, profile.Costs{}
}

// selects reports whether a row of the profile is in what the user descended into and selected.
func (m *Model) selects(c *profile.Cost) bool {
	p := placeOf(c)
	return m.inside(&p) && (m.selected == "" || p[m.by] == m.selected)
}

// lineTable returns the most expensive lines of the selected programs, in at most room lines.
func (m *Model) lineTable(width, room int) []Line {
	if m.noLines != "" {
		return []Line{{"lines of programs cannot be sampled: " + text.Printable(m.noLines), Alert}}
	}
	var out []Line
	for _, p := range m.shown.inside.Lines(m.selects) {
		if len(out) > 0 {
			out = append(out, Line{})
		}
		out = append(out, Line{text.Printable(costtable.LinesTitle(&p)), Header})
		left := room - len(out) - 1
		if p.Few() || left < 1 {
			continue
		}
		table, _ := costtable.LineTable(&p, left, width)
		for i, line := range strings.Split(strings.TrimRight(table.String(), "\n"), "\n") {
			style := Plain
			if i == 0 {
				style = Header
			}
			out = append(out, Line{line, style})
		}
	}
	if len(out) == 0 {
		return []Line{{Text: "sampling the lines of programs; no sample yet"}}
	}
	return out[:min(len(out), max(1, room+1))]
}
