package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/lsmprof/lsmprof/internal/fleet"
	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/internal/text"
)

const (
	// historyAlpha is the share of unchanged histories that show a change.
	historyAlpha = 0.05
	// mostPrograms get their own series, of the profiles of a host.
	mostPrograms = 20
	// commonIn is the share of the profiles of a host that a program must be in.
	commonIn = 0.8
)

// Report returns the report on what was added.
func (h *History) Report() *HistoryReport {
	r := &HistoryReport{
		Schema: HistorySchema, Points: []HistoryPoint{}, Series: []HistorySeries{}, Missing: []FleetMissing{},
		Facts: []string{},
	}
	r.Missing = append(r.Missing, h.missing...)
	slices.SortFunc(r.Missing, func(a, b FleetMissing) int { return cmp.Compare(a.Source, b.Source) })
	points, older := h.sorted()
	if older > 0 {
		r.Facts = append(r.Facts, fmt.Sprintf("the oldest %s left out: a history has at most %d",
			text.Plural(older, "point"), mostPoints))
	}
	valuesOfProfiles(points)
	series := map[string]*HistorySeries{}
	hosts := map[string]bool{}
	for i := range points {
		r.Points = append(r.Points, points[i].HistoryPoint)
		hosts[points[i].Host] = true
	}
	for i, p := range points {
		for name, v := range p.values {
			if len(hosts) > 1 {
				name = cmp.Or(p.Host, "unknown host") + ": " + name
			}
			if series[name] == nil {
				series[name] = &HistorySeries{
					Name: name, Kind: v.Kind, Values: make([]*float64, len(points)),
					Changes: []HistoryChange{},
				}
			}
			if value := v.Value; !math.IsNaN(value) && !math.IsInf(value, 0) {
				series[name].Values[i] = &value
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(series)) {
		r.Series = append(r.Series, *series[name])
	}
	r.findChanges()
	r.say()
	return r
}

// valuesOfProfiles works out the values of profiles: for each host what a call of each program takes, what hooks take
// of a CPU, and the cost of the same calls, compared with the median profile.
func valuesOfProfiles(points []historyPoint) {
	byHost := map[string][]int{}
	for i := range points {
		if points[i].profile != nil {
			byHost[points[i].Host] = append(byHost[points[i].Host], i)
		}
	}
	for _, indices := range byHost {
		var sums fleet.Sums
		for n, i := range indices {
			p := *points[i].profile
			p.Host = ""                         // each profile is a node of its own
			_ = sums.Add(fmt.Sprint(n), "", &p) // fails for more kinds of calls than a history keeps
		}
		relative := sums.Relative()
		all := map[string]fleet.Cost{}
		in := map[string]int{}
		programs := make([]map[string]fleet.Cost, len(sums.Nodes))
		for n, node := range sums.Nodes {
			programs[n] = map[string]fleet.Cost{}
			node.Each(&sums, func(p *fleet.Part, c fleet.Cost) {
				name := cmp.Or(p[fleet.Program], "all of "+p[fleet.Hook])
				programs[n][name] = programs[n][name].Plus(c)
			})
			for name, c := range programs[n] {
				if c.Calls > 0 {
					all[name], in[name] = c.Plus(all[name]), in[name]+1
				}
			}
		}
		names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
			return cmp.Or(cmp.Compare(all[b].Ns, all[a].Ns), cmp.Compare(a, b))
		})
		names = slices.DeleteFunc(names, func(name string) bool {
			return float64(in[name]) < commonIn*float64(len(sums.Nodes))
		})
		for n := range sums.Nodes {
			p := &points[indices[n]]
			p.values = map[string]HistoryValue{
				"hooks, of one CPU": {
					"cpu_share",
					float64(sums.Nodes[n].Total().Ns) / 1e9 / sums.Nodes[n].Seconds,
				},
			}
			if relative[n].Ratio > 0 {
				p.values["cost of the same calls"] = HistoryValue{"relative_cost", relative[n].Ratio}
			}
			for _, name := range names[:min(len(names), mostPrograms)] {
				if c := programs[n][name]; c.Calls > 0 {
					p.values[name+": mean"] = HistoryValue{"mean", float64(c.Ns) / float64(c.Calls)}
				}
			}
		}
	}
}

// findChanges looks for change points. The level of each test is divided by the number of series.
func (r *HistoryReport) findChanges() {
	if len(r.Series) == 0 {
		return
	}
	r.Alpha = historyAlpha / float64(len(r.Series))
	r.Least = stats.LeastForChange(r.Alpha)
	for i := range r.Series {
		s := &r.Series[i]
		var xs []float64
		var at []int // point of each value
		for point, v := range s.Values {
			if v != nil {
				xs, at = append(xs, *v), append(at, point)
			}
		}
		changes := stats.ChangePoints(xs, r.Alpha)
		for n, c := range changes {
			from, to := 0, len(xs)
			if n > 0 {
				from = changes[n-1].At
			}
			if n+1 < len(changes) {
				to = changes[n+1].At
			}
			s.Changes = append(s.Changes, HistoryChange{
				Point: at[c.At], Before: stats.Median(xs[from:c.At]), After: stats.Median(xs[c.At:to]),
				P:    c.P,
				Also: factsThatChanged(r.Points[at[c.At-1]], r.Points[at[c.At]]),
			})
		}
	}
	slices.SortStableFunc(r.Series, func(a, b HistorySeries) int {
		return cmp.Compare(b.latest(), a.latest())
	})
}

// latest returns the point of the last change, or -1.
func (s *HistorySeries) latest() int {
	if len(s.Changes) == 0 {
		return -1
	}
	return s.Changes[len(s.Changes)-1].Point
}

// values returns how many values a series has.
func (s *HistorySeries) values() (n int) {
	for _, v := range s.Values {
		if v != nil {
			n++
		}
	}
	return n
}

func factsThatChanged(before, after HistoryPoint) []string {
	out := []string{}
	for _, key := range slices.Sorted(maps.Keys(after.Facts)) {
		if a, b := before.Facts[key], after.Facts[key]; a != b {
			out = append(out, fmt.Sprintf("%s: %s → %s", key, cmp.Or(a, "unknown"), cmp.Or(b, "unknown")))
		}
	}
	return out
}

// format formats a value of the series.
func (s *HistorySeries) format(v float64) string {
	switch s.Kind {
	case "mean":
		return text.Duration(v)
	case "relative_cost":
		return fmt.Sprintf("%.2f ×", v)
	default:
		return text.Percent(v)
	}
}

// say writes title, answer and facts.
func (r *HistoryReport) say() {
	changed, short := 0, 0
	for i := range r.Series {
		s := &r.Series[i]
		if len(s.Changes) > 0 {
			changed++
		}
		if s.values() < r.Least {
			short++
		}
	}
	r.Title = fmt.Sprintf("What changed over %s", text.Plural(len(r.Points), "point"))
	if n := len(r.Points); n > 0 {
		r.Title += fmt.Sprintf(", %s to %s", date(r.Points[0]), date(r.Points[n-1]))
	}
	switch {
	case len(r.Series) == 0:
		r.Answer = append(r.Answer, "There is no series: no run has a score besides its baseline, and no "+
			"profile a call.")
	case short == len(r.Series):
		r.Answer = append(r.Answer, fmt.Sprintf("No change can be detected yet: with %d series, each needs %d "+
			"values.",
			len(r.Series), r.Least))
	case changed == 0:
		r.Answer = append(r.Answer, fmt.Sprintf("Nothing changed: none of %d series has a change point.",
			len(r.Series)))
	default:
		r.Answer = append(r.Answer, fmt.Sprintf("%d of %d series changed.", changed, len(r.Series)))
		for i := range r.Series[:min(changed, 3)] {
			s := &r.Series[i]
			c := &s.Changes[len(s.Changes)-1]
			r.Answer = append(r.Answer, fmt.Sprintf("%s: %s since %s (%s), and %s before%s.", s.Name,
				s.format(c.After),
				r.Points[c.Point].Name, date(r.Points[c.Point]), s.format(c.Before), c.because()))
		}
	}
	if short > 0 && short < len(r.Series) {
		r.Answer = append(r.Answer, fmt.Sprintf("%d series have fewer than the %d values that a change takes.",
			short,
			r.Least))
	}
	if n := len(r.Missing); n > 0 {
		r.Answer = append(r.Answer, fmt.Sprintf("%s could not be read; see below.",
			text.Plural(n, "run or profile")))
	}
}

func (c *HistoryChange) because() string {
	if len(c.Also) == 0 {
		return ""
	}
	return "; at the same time " + text.List(c.Also)
}

func date(p HistoryPoint) string { return p.Start.Format("2 January 2006") }
