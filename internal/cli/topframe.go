package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// frameStyle is how a line stands out; a terminal without colours shows all of them apart.
type frameStyle int

const (
	plainLine frameStyle = iota
	headerLine
	selectedLine
	frozenLine
	alertLine
)

type frameLine struct {
	text  string
	style frameStyle
}

const (
	topKeys = "? help  q quit  w s h p rows  < > sort  / filter  space pause  f freeze  z zero"
	// topLeastName is the room that columns have to leave for the name.
	topLeastName = 16
	topGap       = 2
	// Below this height only the table is shown.
	topLeastHeight = 10
)

// frame is the whole screen: height lines of at most width characters. It is a function of the model alone.
func (m *topModel) frame(width, height int) []frameLine {
	var lines []frameLine
	if m.help {
		lines = topHelp()
	} else {
		if height >= topLeastHeight {
			lines = m.header()
		}
		room := height - len(lines) - 2 // the table's header, the keys
		lines = append(lines, m.table(width, room)...)
	}
	lines = lines[:min(len(lines), max(0, height-1))]
	for len(lines) < height-1 {
		lines = append(lines, frameLine{})
	}
	lines = append(lines, m.footer())
	for i := range lines {
		lines[i].text = cut(lines[i].text, width)
	}
	return lines
}

// header says what is measured, what it costs and how complete it is.
func (m *topModel) header() []frameLine {
	s := m.shown
	lines := []frameLine{
		{text: "lsmprof top  " + machineLine(s.delta) + "  " + s.end.Format("15:04:05")},
		{text: s.hooksLine()},
		{text: s.selfLine()},
	}
	if s.delta.Total().Completeness() < 99 {
		lines[2].style = alertLine
	}
	state := frameLine{text: fmt.Sprintf("by %s, sorted by %s", topGroupings[m.by].name, m.columnName(m.sort))}
	if m.reverse {
		state.text += ", reversed"
	}
	if m.filter != "" {
		state.text += fmt.Sprintf(", only %q", m.filter)
	}
	if m.paused {
		state.text += "  PAUSED: space goes on"
		state.style = alertLine
	}
	lines = append(lines, state)
	if n := len(s.delta.Warnings); n > 0 {
		warning := "warning: " + text.Printable(advised(s.delta.Warnings[n-1]))
		if n > 1 {
			warning += fmt.Sprintf(" (and %d before)", n-1)
		}
		return append(lines, frameLine{warning, alertLine})
	}
	return append(lines, frameLine{})
}

func machineLine(s profile.Snapshot) string {
	var enforcers []string
	programs := map[string]int{}
	for _, p := range s.Programs {
		if programs[p.Enforcer]++; programs[p.Enforcer] == 1 {
			enforcers = append(enforcers, p.Enforcer)
		}
	}
	for i, e := range enforcers {
		enforcers[i] = fmt.Sprintf("%s (%d programs)", e, programs[e])
		if s.Programs[0].Scope == profile.ScopeHook {
			enforcers[i] = fmt.Sprintf("%s (%d hooks)", e, programs[e])
		}
	}
	return fmt.Sprintf("%s %s, %d x %s  %s", s.Machine.Kernel, s.Machine.Arch, s.Machine.CPUs, s.Machine.CPU, strings.Join(enforcers, ", "))
}

func (s *topState) hooksLine() string {
	var calls, denials float64
	for i := range s.costs.Rows {
		calls, denials = calls+float64(s.costs.Rows[i].Calls), denials+float64(s.costs.Rows[i].Denials)
	}
	d := s.delta.Duration
	return fmt.Sprintf("hooks        %s of a CPU: %s calls/s, %s denied/s",
		text.Percent(perSecond(s.costs.Hook, d)/1e9), rate(perSecond(calls, d)), rate(perSecond(denials, d)))
}

// selfLine says what profiling costs right now, and what it missed.
func (s *topState) selfLine() string {
	total := s.delta.Total()
	self := 100 * perSecond(s.self.Seconds(), s.delta.Duration)
	var line string
	if s.delta.Calibration.Runs == 0 {
		line = fmt.Sprintf("profiling    lsmprof %s of a CPU, probes not calibrated", text.Percent(self/100))
	} else {
		probes := 100 * perSecond(s.delta.ProbeCost(), s.delta.Duration) / 1e9
		line = fmt.Sprintf("profiling    %s of a CPU: probes %s, lsmprof %s", text.Percent((probes+self)/100), text.Percent(probes/100), text.Percent(self/100))
	}
	line += fmt.Sprintf("; complete: %.2f %%", total.Completeness())
	if s.delta.Sample > 1 {
		line += fmt.Sprintf("; 1 of %d measured", s.delta.Sample)
	}
	return line
}

// table is the header of the rows and as many of them as there is room for, the selected one among them.
func (m *topModel) table(width, room int) []frameLine {
	rows := m.rows(topSpark)
	names := topLeastName
	for i := range rows {
		names = max(names, utf8.RuneCountInString(rows[i].Name))
	}
	columns, name := topLayout(width, names)
	lines := []frameLine{{m.headings(columns, name), headerLine}}
	if len(rows) == 0 {
		text := "no calls in the last minute"
		if m.filter != "" {
			text = "no row matches; / changes the filter, Esc drops it"
		}
		return append(lines, frameLine{text: text})
	}
	first := m.firstRow(rows, room)
	for i := first; i < len(rows) && i-first < room; i++ {
		r := &rows[i]
		style := plainLine
		switch {
		case r.Name == m.selected:
			style = selectedLine
		case r.frozen:
			style = frozenLine
		}
		lines = append(lines, frameLine{topLine(columns, name, func(c int) string { return topColumns[c].text(r) }, r.frozen), style})
	}
	return lines
}

// firstRow is the row to begin with, so that the selected one is seen.
func (m *topModel) firstRow(rows []topRow, room int) int {
	i := slices.IndexFunc(rows, func(r topRow) bool { return r.Name == m.selected })
	return max(0, i-max(1, room)+1)
}

// topLayout drops columns until the name has room, and returns those that stay and the width of the name.
func topLayout(width, names int) (columns []int, name int) {
	for c := range topColumns {
		columns = append(columns, c)
	}
	drops := topDrops
	for {
		name = width - 1 // the mark of frozen rows
		for _, c := range columns[1:] {
			name -= topColumns[c].width + topGap
		}
		if name >= topLeastName || len(drops) == 0 {
			return columns, max(1, min(name, names))
		}
		columns = slices.DeleteFunc(columns, func(c int) bool { return c == drops[0] })
		drops = drops[1:]
	}
}

func (m *topModel) headings(columns []int, name int) string {
	return topLine(columns, name, func(c int) string {
		heading := m.columnName(c)
		if c == m.sort {
			heading += map[bool]string{false: "↓", true: "↑"}[m.reverse]
		}
		return heading
	}, false)
}

func (m *topModel) columnName(c int) string {
	if c == topName {
		return strings.ToUpper(topGroupings[m.by].name)
	}
	return topColumns[c].header
}

// topLine aligns cells: the name left, numbers right.
func topLine(columns []int, name int, value func(column int) string, frozen bool) string {
	var b strings.Builder
	b.WriteString(map[bool]string{false: " ", true: "*"}[frozen])
	for _, c := range columns {
		cell := text.Printable(value(c))
		switch c {
		case topName:
			cell = cut(cell, name)
			b.WriteString(cell + strings.Repeat(" ", name-utf8.RuneCountInString(cell)))
		case topMinutes:
			b.WriteString(strings.Repeat(" ", topGap) + cell)
		default:
			b.WriteString(strings.Repeat(" ", topGap+max(0, topColumns[c].width-utf8.RuneCountInString(cell))) + cell)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

func (m *topModel) footer() frameLine {
	if m.typing {
		return frameLine{text: "filter: " + text.Printable(m.filter) + "_   Enter keeps it, Esc drops it"}
	}
	return frameLine{text: topKeys}
}

// cut shortens s to width characters.
func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	if width < 1 {
		return ""
	}
	return string([]rune(s)[:width-1]) + "…"
}
