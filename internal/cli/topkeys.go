package cli

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Keys that are no character.
const (
	keyEnter     = "Enter"
	keyEscape    = "Esc"
	keyBackspace = "Backspace"
	keyUp        = "Up"
	keyDown      = "Down"
	keyLeft      = "Left"
	keyRight     = "Right"
	keyTab       = "Tab"
	keyCtrlC     = "Ctrl-C"
)

func topHelp() []frameLine {
	const help = `lsmprof top: what BPF LSM programs cost, interval by interval

  w s h p    rows by workload, syscall, hook, program; Tab: the next of them
  < >        sort by the column to the left or right (or arrow keys); r reverses
  /          only names that contain what you type; Enter keeps it, Esc drops it
  Up Down    select a row (also k j)
  f, Enter   freeze the selected row on top, and let it go again
  space      pause and go on; measuring goes on meanwhile
  z          forget what was measured so far
  ?          this help; any key leaves it
  q, Ctrl-C  quit

  CPU          body and dispatch of the programs, as share of one CPU
  MEAN P50 P99 hook cost of a call in the last interval
  RULES        rules walked, least-most; ? where some are unknown
  LAST MINUTE  CPU, each row against its own greatest; the first column to go
               when the terminal is narrow, then P50, DENIED/S, RULES, P99,
               MEAN and CALLS/S`
	var lines []frameLine
	for line := range strings.Lines(help) {
		lines = append(lines, frameLine{text: strings.TrimSuffix(line, "\n")})
	}
	return lines
}

// key takes one key, and says whether to go on.
func (m *topModel) key(k string) (goOn bool) {
	switch {
	case k == keyCtrlC:
		return false
	case m.typing:
		m.editFilter(k)
		return true
	case m.help:
		m.help = false
		return true
	}
	switch k {
	case "q":
		return false
	case "?":
		m.help = true
	case "w", "s", "h", "p":
		m.groupBy(strings.Index("wshp", k))
	case keyTab:
		m.groupBy((m.by + 1) % len(topGroupings))
	case "<", keyLeft:
		m.sortBy(-1)
	case ">", keyRight:
		m.sortBy(1)
	case "r":
		m.reverse = !m.reverse
	case "/":
		m.typing = true
	case keyEscape:
		m.filter = ""
	case keyUp, "k":
		m.selectRow(-1)
	case keyDown, "j":
		m.selectRow(1)
	case "f", keyEnter:
		m.freeze()
	case " ":
		m.pause(!m.paused)
	case "z":
		m.reset()
	}
	return true
}

func (m *topModel) editFilter(k string) {
	switch k {
	case keyEnter:
		m.typing = false
	case keyEscape:
		m.typing, m.filter = false, ""
	case keyBackspace:
		_, size := utf8.DecodeLastRuneInString(m.filter)
		m.filter = m.filter[:len(m.filter)-size]
	default:
		if utf8.RuneCountInString(k) == 1 {
			m.filter += k
		}
	}
}

// groupBy changes what rows are: names of the old ones mean nothing any more.
func (m *topModel) groupBy(by int) {
	if by != m.by {
		m.by, m.selected = by, ""
		clear(m.frozen)
	}
}

// sortBy moves to the next column that sorts.
func (m *topModel) sortBy(step int) {
	if next := m.sort + step; next >= 0 && next < len(topColumns) && topColumns[next].compare != nil {
		m.sort = next
	}
}

func (m *topModel) selectRow(step int) {
	rows := m.rows(0)
	if len(rows) == 0 {
		return
	}
	i := slices.IndexFunc(rows, func(r topRow) bool { return r.Name == m.selected })
	switch {
	case i < 0 && step < 0:
		i = len(rows) - 1
	case i < 0:
		i = 0
	default:
		i = min(max(0, i+step), len(rows)-1)
	}
	m.selected = rows[i].Name
}

func (m *topModel) freeze() {
	switch {
	case m.selected == "":
	case m.frozen[m.selected]:
		delete(m.frozen, m.selected)
	default:
		m.frozen[m.selected] = true
	}
}
