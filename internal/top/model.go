package top

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/costtable"
	"github.com/lsmprof/lsmprof/profile"
)

// groupings are what a row of the table can stand for.
var groupings = costtable.Groupings()

// levels is how many of the groupings Enter descends through: workload, syscall, hook, program.
const levels = 4

// historyLength is how far back the model remembers.
const historyLength = time.Minute

// Interval is what one interval measured.
type Interval struct {
	End   time.Time
	Delta profile.Snapshot
	Self  time.Duration // CPU time that lsmprof itself took meanwhile
	// Inside is what was measured since the insides of programs are sampled. Without Inside.Inside they are not.
	Inside profile.Snapshot
}

// place names a row in every grouping.
type place [len(groupings)]string

// moment is what the model keeps of an interval for a minute.
type moment struct {
	end    time.Time
	length time.Duration
	shares []placeShare
}

// placeShare is the hook cost in one place, as share of one CPU. The place is an index into Model.places: a
// busy node has thousands of them, and each moment lists those with calls.
type placeShare struct {
	place uint32
	cpu   float32
}

// state is what a frame shows. While the model is paused, the shown state falls behind the live one.
type state struct {
	Interval
	costs   profile.Costs
	inside  profile.Costs // of Interval.Inside
	history []moment      // oldest first
}

// step is one descent into a row.
type step struct {
	by   int // index into groupings
	name string
}

// Model is everything that a frame depends on, except its size. It is not safe for concurrent use.
type Model struct {
	live, shown state
	places      []place
	placeIndex  map[place]uint32

	by       int // index into groupings
	path     []step
	sort     int // index into columns
	reverse  bool
	filter   string
	asking   question
	answer   string
	interval time.Duration
	paused   bool
	help     bool
	lines    bool   // instead of rows
	noLines  string // why they cannot be sampled
	selected string
	frozen   map[string]bool
}

// New returns a model whose rows are those of costtable.Groupings()[by]. interval is the time between two calls of Add.
func New(by int, interval time.Duration) *Model {
	return &Model{
		by: by, sort: columnCPU, interval: interval, frozen: map[string]bool{}, placeIndex: map[place]uint32{},
	}
}

// Interval returns the time between two calls of Add. The user can change it with a key.
func (m *Model) Interval() time.Duration { return m.interval }

// Add takes in one more interval. It fails if the snapshot contradicts itself.
func (m *Model) Add(i Interval) error {
	costs, err := i.Delta.Costs()
	if err != nil {
		return err
	}
	// A new slice: a paused state may show the old one.
	history := slices.DeleteFunc(slices.Clone(m.live.history), func(old moment) bool {
		return i.End.Sub(old.end) >= historyLength
	})
	var inside profile.Costs
	if m.lines && i.Inside.Inside != nil {
		if inside, err = i.Inside.Costs(); err != nil {
			return err
		}
	}
	m.live = state{i, costs, inside, append(history, m.moment(i, &costs))}
	if !m.paused {
		m.shown = m.live
	}
	return nil
}

func (m *Model) moment(i Interval, costs *profile.Costs) moment {
	out := moment{end: i.End, length: i.Delta.Duration}
	at := map[uint32]int{} // index into shares
	for r := range costs.Rows {
		row := &costs.Rows[r]
		p := m.indexOf(placeOf(row))
		n, ok := at[p]
		if !ok {
			n = len(out.shares)
			at[p] = n
			out.shares = append(out.shares, placeShare{place: p})
		}
		out.shares[n].cpu += float32(perSecond(row.Hook, i.Delta.Duration) / 1e9)
	}
	return out
}

func placeOf(c *profile.Cost) (p place) {
	for i, g := range groupings {
		p[i] = g.Of(c)
	}
	return p
}

func (m *Model) indexOf(p place) uint32 {
	i, ok := m.placeIndex[p]
	if !ok {
		i = uint32(len(m.places))
		m.places = append(m.places, p)
		m.placeIndex[p] = i
	}
	return i
}

// inside reports whether a place is in the rows that the user descended into.
func (m *Model) inside(p *place) bool {
	for _, s := range m.path {
		if p[s.by] != s.name {
			return false
		}
	}
	return true
}

// reset forgets what was measured so far.
func (m *Model) reset() {
	m.live.history, m.live.costs = nil, profile.Costs{}
	m.shown = m.live
}

func (m *Model) pause(on bool) {
	m.paused = on
	if !on {
		m.shown = m.live
	}
}

// row is one line of the table. Rates are per second, times in ns.
type row struct {
	profile.Group
	calls, denials, share float64
	history               []float64 // share in each part of the last minute, oldest first; negative: unknown
	frozen                bool
}

// rows returns the rows of the shown interval, and those of the last minute that had no calls in it: a row keeps
// its line that long. parts is the length of their histories.
func (m *Model) rows(parts int) []row {
	groups := map[string]profile.Group{}
	history := m.lastMinute(parts)
	for name := range history {
		groups[name] = profile.Group{Name: name}
	}
	const outside = "\x00"
	for _, g := range m.shown.costs.Groups(func(c *profile.Cost) string {
		if p := placeOf(c); !m.inside(&p) {
			return outside
		}
		return groupings[m.by].Of(c)
	}) {
		groups[g.Name] = g
	}
	delete(groups, outside)
	for name := range m.frozen {
		if _, ok := groups[name]; !ok {
			groups[name] = profile.Group{Name: name}
		}
	}
	var rows []row
	filter := strings.ToLower(m.filter)
	for name, g := range groups {
		if !m.frozen[name] && !strings.Contains(strings.ToLower(name), filter) {
			continue
		}
		d := m.shown.Delta.Duration
		rows = append(rows, row{
			Group: g, calls: perSecond(float64(g.Calls), d), denials: perSecond(float64(g.Denials), d),
			share: perSecond(g.Hook, d) / 1e9, history: history[name], frozen: m.frozen[name],
		})
	}
	slices.SortFunc(rows, m.compare)
	return rows
}

// compare orders rows: frozen ones first, numbers from the largest down, names from A.
func (m *Model) compare(a, b row) int {
	if a.frozen != b.frozen {
		if a.frozen {
			return -1
		}
		return 1
	}
	order := columns[m.sort].compare(&a, &b)
	if m.reverse {
		order = -order
	}
	return cmp.Or(order, cmp.Compare(a.Name, b.Name))
}

// lastMinute divides the minute before the end of the shown interval into parts of equal length. It returns the
// share of one CPU in each part, by name; negative where nothing was measured.
func (m *Model) lastMinute(parts int) map[string][]float64 {
	out := map[string][]float64{}
	known := make([]float64, parts) // seconds
	length := historyLength / time.Duration(max(1, parts))
	begin := m.shown.End.Add(-historyLength)
	for _, mo := range m.shown.history {
		overlap := make([]float64, parts)
		for p := range parts {
			from := begin.Add(time.Duration(p) * length)
			o := earlier(from.Add(length), mo.end).Sub(later(from, mo.end.Add(-mo.length)))
			overlap[p] = max(0, o.Seconds())
			known[p] += overlap[p]
		}
		for _, s := range mo.shares {
			p := &m.places[s.place]
			if !m.inside(p) {
				continue
			}
			sums := out[p[m.by]]
			if sums == nil {
				sums = make([]float64, parts)
				out[p[m.by]] = sums
			}
			for p, o := range overlap {
				sums[p] += o * float64(s.cpu)
			}
		}
	}
	for _, sums := range out {
		for p := range sums {
			if known[p] > 0 {
				sums[p] /= known[p]
			} else {
				sums[p] = -1
			}
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
