package top

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Names of the keys that are not a character.
const (
	KeyEnter     = "Enter"
	KeyEscape    = "Esc"
	KeyBackspace = "Backspace"
	KeyUp        = "Up"
	KeyDown      = "Down"
	KeyLeft      = "Left"
	KeyRight     = "Right"
	KeyTab       = "Tab"
	KeyCtrlC     = "Ctrl-C"
)

// MinInterval is the shortest interval that the user can choose.
const MinInterval = 200 * time.Millisecond

const helpText = `lsmprof top: what BPF LSM programs cost, interval by interval

  Up Down    select a row (also k j)
  Enter      descend into the selected row: workload, syscall, hook, program
  Esc        go back up (also Backspace); Esc removes the filter first
  w s h p e  rows by workload, syscall, hook, program, enforcer
  Tab        the next of these; after enforcer: pod, number of rules
  < >        sort by the column to the left or right (or arrow keys); r reverses
  /          only names that contain what you type
  l          lines of the programs in the selected row, sampled while you look
  f          freeze the selected row on top, or release it
  space      pause and continue; measuring goes on meanwhile
  d          change the interval
  z          forget what was measured so far
  q, Ctrl-C  quit; ? shows this help, and any key leaves it

  CPU          time of the hooks, body and dispatch, as share of one CPU
  MEAN P50 P99 time of one call in the last interval
  RULES        rules that were walked, least-most; ? where some are unknown
  LAST MINUTE  CPU, each row against its own maximum

A narrow terminal drops columns in this order: LAST MINUTE, P50, DENIED/S,
RULES, P99, MEAN, CALLS/S.`

func helpLines() []Line {
	var lines []Line
	for line := range strings.Lines(helpText) {
		lines = append(lines, Line{Text: strings.TrimSuffix(line, "\n")})
	}
	return lines
}

// question is what the user is typing an answer to.
type question int

const (
	askNothing question = iota
	askFilter
	askInterval
)

// Key handles one key: a character or one of the names above. It reports whether to go on.
func (m *Model) Key(k string) (goOn bool) {
	switch {
	case k == KeyCtrlC:
		return false
	case m.asking == askFilter:
		m.editFilter(k)
		return true
	case m.asking == askInterval:
		m.editInterval(k)
		return true
	case m.help:
		m.help = false
		return true
	}
	if m.lines && (k == KeyEscape || k == KeyBackspace) {
		k = "l"
	}
	switch k {
	case "q":
		return false
	case "l":
		m.showLines()
	case "?":
		m.help = true
	case "w", "s", "h", "p", "e":
		m.groupBy(strings.Index("wshpe", k))
	case KeyTab:
		m.groupBy((m.by + 1) % len(groupings))
	case KeyEnter:
		m.descend()
	case KeyEscape, KeyBackspace:
		m.back(k)
	case "<", KeyLeft:
		m.sortBy(-1)
	case ">", KeyRight:
		m.sortBy(1)
	case "r":
		m.reverse = !m.reverse
	case "/":
		m.asking = askFilter
	case "d":
		m.asking, m.answer = askInterval, ""
	case KeyUp, "k":
		m.selectRow(-1)
	case KeyDown, "j":
		m.selectRow(1)
	case "f":
		m.freeze()
	case " ":
		m.pause(!m.paused)
	case "z":
		m.reset()
	}
	return true
}

func (m *Model) editFilter(k string) {
	switch k {
	case KeyEnter:
		m.asking = askNothing
	case KeyEscape:
		m.asking, m.filter = askNothing, ""
	default:
		m.filter = edit(m.filter, k)
	}
}

// editInterval ignores an answer that is not a number of seconds.
func (m *Model) editInterval(k string) {
	switch k {
	case KeyEnter:
		m.asking = askNothing
		if s, err := strconv.ParseFloat(m.answer, 64); err == nil && s > 0 && s <= 3600 {
			m.interval = max(MinInterval, time.Duration(s*float64(time.Second)))
		}
	case KeyEscape:
		m.asking = askNothing
	case KeyBackspace:
		m.answer = edit(m.answer, k)
	default:
		if len(k) == 1 && strings.Contains("0123456789.", k) && len(m.answer) < 6 {
			m.answer += k
		}
	}
}

// edit applies a key to text that the user types.
func edit(typed, k string) string {
	if k == KeyBackspace {
		_, size := utf8.DecodeLastRuneInString(typed)
		return typed[:len(typed)-size]
	}
	if utf8.RuneCountInString(k) == 1 {
		return typed + k
	}
	return typed
}

// groupBy changes what the rows stand for. It forgets the selected and frozen rows, whose names have no meaning now.
func (m *Model) groupBy(by int) {
	if by != m.by {
		m.by = by
		m.forgetRows()
	}
}

func (m *Model) forgetRows() {
	m.selected, m.filter = "", ""
	clear(m.frozen)
}

// descend shows what the selected row consists of, by the next level that is not in the path yet. Below an enforcer, a
// pod or a number of rules, that is the first one.
func (m *Model) descend() {
	if m.selected == "" {
		return
	}
	begin := 0
	if m.by < levels {
		begin = m.by + 1
	}
	for next := range levels {
		by := (begin + next) % levels
		if by != m.by && !slices.ContainsFunc(m.path, func(s step) bool { return s.by == by }) {
			m.path = append(m.path, step{m.by, m.selected})
			m.by = by
			m.forgetRows()
			return
		}
	}
}

// back removes the filter, which only Esc does, or undoes the last descent.
func (m *Model) back(k string) {
	if m.filter != "" {
		if k == KeyEscape {
			m.filter = ""
		}
		return
	}
	if n := len(m.path); n > 0 {
		last := m.path[n-1]
		m.path, m.by = m.path[:n-1], last.by
		m.forgetRows()
		m.selected = last.name
	}
}

// sortBy moves to the next column that can sort.
func (m *Model) sortBy(step int) {
	if next := m.sort + step; next >= 0 && next < len(columns) && columns[next].compare != nil {
		m.sort = next
	}
}

func (m *Model) selectRow(step int) {
	rows := m.rows(0)
	if len(rows) == 0 {
		return
	}
	i := slices.IndexFunc(rows, func(r row) bool { return r.Name == m.selected })
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

func (m *Model) freeze() {
	switch {
	case m.selected == "":
	case m.frozen[m.selected]:
		delete(m.frozen, m.selected)
	default:
		m.frozen[m.selected] = true
	}
}
