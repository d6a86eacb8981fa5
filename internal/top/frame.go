package top

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/costtable"
	"github.com/lsmprof/lsmprof/internal/text"
)

// Style is how a line stands out. The styles differ on a terminal without colours, too.
type Style int

// The styles of lines.
const (
	Plain Style = iota
	Header
	Selected
	Frozen
	Alert
)

// Line is one line of a frame.
type Line struct {
	Text  string
	Style Style
}

const (
	keysLine = "? help  q quit  Enter into a row  w s h p rows  l lines  < > sort  / filter  space pause"
	// minName is the width that columns leave for the name.
	minName = 16
	gap     = 2
	// Below minHeight only the table is shown.
	minHeight = 10
)

// Frame draws the whole screen: height lines, at least one, of at most width columns of the terminal.
func (m *Model) Frame(width, height int) []Line {
	var lines []Line
	if m.help {
		lines = helpLines()
	} else {
		if height >= minHeight {
			lines = m.header()
		}
		room := height - len(lines) - 2 // without the table's header and the keys
		if m.lines {
			lines = append(lines, m.lineTable(width, room)...)
		} else {
			lines = append(lines, m.table(width, room)...)
		}
	}
	lines = lines[:min(len(lines), max(0, height-1))]
	for len(lines) < height-1 {
		lines = append(lines, Line{})
	}
	lines = append(lines, m.footer())
	for i := range lines {
		lines[i].Text = cut(lines[i].Text, width)
	}
	return lines
}

// header returns the lines about what is measured, what it costs and how complete it is.
func (m *Model) header() []Line {
	s := &m.shown
	lines := []Line{{Text: s.titleLine()}, {Text: s.hooksLine()}, {Text: s.selfLine()}, m.stateLine()}
	if s.Delta.Total().Completeness() < 99 {
		lines[2].Style = Alert
	}
	if n := len(s.Delta.Warnings); n > 0 {
		warning := "warning: " + text.Printable(s.Delta.Warnings[n-1].Text)
		if n > 1 {
			warning += fmt.Sprintf(" (and %d before)", n-1)
		}
		return append(lines, Line{warning, Alert})
	}
	return append(lines, Line{})
}

// titleLine begins with the values that can change, because a narrow terminal cuts the end of the line.
func (s *state) titleLine() string {
	title := fmt.Sprintf("lsmprof top  %s  %s",
		costtable.Enforcers(s.Delta.Programs), s.End.Format("15:04:05"))
	if m := s.Delta.Machine; m.Kernel != "" {
		title += fmt.Sprintf("  %s %s, %d x %s", m.Kernel, m.Arch, m.CPUs, m.CPU)
	}
	return text.Printable(title)
}

func (s *state) hooksLine() string {
	var calls, denials float64
	for i := range s.costs.Rows {
		calls, denials = calls+float64(s.costs.Rows[i].Calls), denials+float64(s.costs.Rows[i].Denials)
	}
	d := s.Delta.Duration
	return fmt.Sprintf("hooks        %s of a CPU: %s calls/s, %s denied/s",
		text.Percent(perSecond(s.costs.Hook, d)/1e9), rate(perSecond(calls, d)), rate(perSecond(denials, d)))
}

// selfLine says what profiling itself costs, and which share of the calls it timed.
func (s *state) selfLine() string {
	self := perSecond(s.Self.Seconds(), s.Delta.Duration)
	var line string
	if s.Delta.Calibration.Runs == 0 {
		line = fmt.Sprintf("profiling    lsmprof %s of a CPU, probes not calibrated", text.Percent(self))
	} else {
		probes := perSecond(s.Delta.ProbeCost(), s.Delta.Duration) / 1e9
		line = fmt.Sprintf("profiling    %s of a CPU: probes %s, lsmprof %s",
			text.Percent(probes+self), text.Percent(probes), text.Percent(self))
	}
	line += fmt.Sprintf("; complete: %.2f %%", s.Delta.Total().Completeness())
	if s.Delta.Sample > 1 {
		line += fmt.Sprintf("; 1 of %s measured", text.Thousands(s.Delta.Sample))
	}
	return line
}

// stateLine says what the keys chose.
func (m *Model) stateLine() Line {
	var b strings.Builder
	for _, s := range m.path {
		fmt.Fprintf(&b, "%s > ", text.Printable(s.name))
	}
	fmt.Fprintf(&b, "by %s, sorted by %s", groupings[m.by].Name, m.columnName(m.sort))
	if m.reverse {
		b.WriteString(", reversed")
	}
	if m.filter != "" {
		fmt.Fprintf(&b, ", only %q", m.filter)
	}
	fmt.Fprintf(&b, ", every %s", m.interval)
	if m.paused {
		b.WriteString("  PAUSED: space continues")
		return Line{b.String(), Alert}
	}
	return Line{Text: b.String()}
}

// table returns the header and at most room rows, among them the selected one.
func (m *Model) table(width, room int) []Line {
	rows := m.rows(sparkParts)
	names := minName
	for i := range rows {
		names = max(names, text.Width(text.Printable(rows[i].Name)))
	}
	shown, name := layout(m.columns(), width, names)
	lines := []Line{{m.headings(shown, name), Header}}
	if len(rows) == 0 {
		empty := "no calls in the last minute"
		if m.filter != "" {
			empty = "no row matches; / changes the filter, Esc removes it"
		}
		return append(lines, Line{Text: empty})
	}
	first := m.firstRow(rows, room)
	for i := first; i < len(rows) && i-first < room; i++ {
		r := &rows[i]
		style := Plain
		switch {
		case r.Name == m.selected:
			style = Selected
		case r.frozen:
			style = Frozen
		}
		cellOf := func(c int) string { return columns[c].text(r) }
		lines = append(lines, Line{tableLine(shown, name, cellOf, r.frozen), style})
	}
	return lines
}

// firstRow is the row to begin with, so that the selected one is on the screen.
func (m *Model) firstRow(rows []row, room int) int {
	i := slices.IndexFunc(rows, func(r row) bool { return r.Name == m.selected })
	return max(0, i-max(1, room)+1)
}

// columns returns the columns of the table. Rows that stand for a number of rules have no other column with it.
func (m *Model) columns() (all []int) {
	for c := range columns {
		if c != columnRules || groupings[m.by].Name != "rules" {
			all = append(all, c)
		}
	}
	return all
}

// layout drops columns until at least minName columns of the terminal remain for the name. It returns the columns that
// stay and the width of the name.
func layout(shown []int, width, names int) (left []int, name int) {
	drops := dropOrder
	for {
		name = width - 1 // the mark of frozen rows
		for _, c := range shown[1:] {
			name -= columns[c].width + gap
		}
		if name >= minName || len(drops) == 0 {
			return shown, max(1, min(name, names))
		}
		shown = slices.DeleteFunc(shown, func(c int) bool { return c == drops[0] })
		drops = drops[1:]
	}
}

func (m *Model) headings(shown []int, name int) string {
	return tableLine(shown, name, func(c int) string {
		heading := m.columnName(c)
		if c == m.sort {
			heading += map[bool]string{false: "↓", true: "↑"}[m.reverse]
		}
		return heading
	}, false)
}

func (m *Model) columnName(c int) string {
	if c == columnName {
		return strings.ToUpper(groupings[m.by].Name)
	}
	return columns[c].header
}

// tableLine aligns cells: the name to the left, numbers to the right.
func tableLine(shown []int, name int, cellOf func(column int) string, frozen bool) string {
	var b strings.Builder
	b.WriteString(map[bool]string{false: " ", true: "*"}[frozen])
	for _, c := range shown {
		cell := text.Printable(cellOf(c))
		switch c {
		case columnName:
			cell = text.Shorten(cell, name)
			b.WriteString(cell + strings.Repeat(" ", name-text.Width(cell)))
		case columnMinute:
			b.WriteString(strings.Repeat(" ", gap) + cell)
		default:
			b.WriteString(strings.Repeat(" ", gap+max(0, columns[c].width-text.Width(cell))) + cell)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func (m *Model) footer() Line {
	switch m.asking {
	case askFilter:
		return Line{Text: "filter: " + text.Printable(m.filter) + "_   Enter keeps it, Esc removes it"}
	case askInterval:
		return Line{Text: "seconds between updates: " + m.answer + "_   Enter sets them, Esc leaves them"}
	}
	if m.lines {
		return Line{Text: "lines of programs   l, Esc back to the rows  space pause  q quit"}
	}
	return Line{Text: keysLine}
}

// cut shortens s at its end to width columns of the terminal.
func cut(s string, width int) string {
	if text.Width(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return text.Cut(s, width-1) + "…"
}
