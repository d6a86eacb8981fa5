package cli

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// topGroupings are what a row of top can be.
var topGroupings = []struct {
	name string
	of   func(*profile.Cost) string
}{
	{"workload", func(c *profile.Cost) string { return c.Name }},
	{"syscall", func(c *profile.Cost) string { return c.Syscall }},
	{"hook", func(c *profile.Cost) string { return c.Of.Hook }},
	{"program", func(c *profile.Cost) string { return c.Of.Label() }},
}

// topMinute is how far back top remembers.
const topMinute = time.Minute

// topInterval is what one interval measured.
type topInterval struct {
	end   time.Time
	delta profile.Snapshot
	self  time.Duration // CPU time that lsmprof itself took meanwhile
}

// topMoment is what stays of an interval for a minute: the hook cost as share of one CPU, by name, for each grouping.
type topMoment struct {
	end    time.Time
	length time.Duration
	shares []map[string]float64
}

// topState is what is shown; while top is paused it falls behind what is known.
type topState struct {
	topInterval
	costs   profile.Costs
	history []topMoment // oldest first
}

// topModel is all that a frame depends on, besides its size.
type topModel struct {
	live, shown topState

	by       int // index into topGroupings
	sort     int // index into topColumns
	reverse  bool
	filter   string
	typing   bool // the filter
	paused   bool
	help     bool
	selected string
	frozen   map[string]bool
}

func newTopModel(by int) *topModel {
	return &topModel{by: by, sort: topCPU, frozen: map[string]bool{}}
}

// add takes in one more interval.
func (m *topModel) add(i topInterval) error {
	costs, err := i.delta.Costs()
	if err != nil {
		return err
	}
	moment := topMoment{end: i.end, length: i.delta.Duration}
	for _, g := range topGroupings {
		shares := map[string]float64{}
		for _, row := range costs.Groups(g.of) {
			shares[row.Name] = perSecond(row.Hook, i.delta.Duration) / 1e9
		}
		moment.shares = append(moment.shares, shares)
	}
	// A new slice: a paused state may show the old one.
	history := slices.DeleteFunc(slices.Clone(m.live.history), func(old topMoment) bool { return i.end.Sub(old.end) >= topMinute })
	m.live = topState{i, costs, append(history, moment)}
	if !m.paused {
		m.shown = m.live
	}
	return nil
}

// reset forgets what was measured so far.
func (m *topModel) reset() {
	m.live.history, m.live.costs = nil, profile.Costs{}
	m.shown = m.live
}

func (m *topModel) pause(on bool) {
	m.paused = on
	if !on {
		m.shown = m.live
	}
}

// topRow is one line of the table. Rates are per second, times in ns.
type topRow struct {
	profile.Group
	calls, denials, share float64
	history               []float64 // share in each part of the last minute, oldest first; negative: not known
	frozen                bool
}

// rows are those of the shown interval and, without calls, those of the minute before: they keep their place that long.
func (m *topModel) rows(cells int) []topRow {
	groups := map[string]profile.Group{}
	for _, moment := range m.shown.history {
		for name := range moment.shares[m.by] {
			groups[name] = profile.Group{Name: name}
		}
	}
	for _, g := range m.shown.costs.Groups(topGroupings[m.by].of) {
		groups[g.Name] = g
	}
	for name := range m.frozen {
		if _, ok := groups[name]; !ok {
			groups[name] = profile.Group{Name: name}
		}
	}
	var rows []topRow
	for name, g := range groups {
		if m.filter != "" && !m.frozen[name] && !strings.Contains(strings.ToLower(name), strings.ToLower(m.filter)) {
			continue
		}
		d := m.shown.delta.Duration
		rows = append(rows, topRow{
			Group: g, calls: perSecond(float64(g.Calls), d), denials: perSecond(float64(g.Denials), d),
			share: perSecond(g.Hook, d) / 1e9, history: m.shown.lastMinute(m.by, name, cells), frozen: m.frozen[name],
		})
	}
	slices.SortFunc(rows, m.compare)
	return rows
}

// compare orders rows: frozen ones first, numbers from the largest down, names from A.
func (m *topModel) compare(a, b topRow) int {
	if a.frozen != b.frozen {
		if a.frozen {
			return -1
		}
		return 1
	}
	order := topColumns[m.sort].compare(&a, &b)
	if m.reverse {
		order = -order
	}
	return cmp.Or(order, cmp.Compare(a.Name, b.Name))
}

// lastMinute divides the minute before the shown interval's end into cells of equal length.
func (s *topState) lastMinute(by int, name string, cells int) []float64 {
	out := make([]float64, cells)
	length := topMinute / time.Duration(max(1, cells))
	for c := range out {
		begin := s.end.Add(time.Duration(c-cells) * length)
		var sum float64
		var known time.Duration
		for _, m := range s.history {
			overlap := earlier(begin.Add(length), m.end).Sub(later(begin, m.end.Add(-m.length)))
			if overlap > 0 {
				sum, known = sum+m.shares[by][name]*overlap.Seconds(), known+overlap
			}
		}
		out[c] = -1
		if known > 0 {
			out[c] = sum / known.Seconds()
		}
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func perSecond(v float64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return v / d.Seconds()
}
