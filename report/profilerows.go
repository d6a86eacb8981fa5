package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// ProfileTable is a profile summed up by one property of the calls.
type ProfileTable struct {
	// pod, workload, syscall, hook, rules, program or enforcer; or denied, see deniedTable
	By   string       `json:"by"`
	Rows []ProfileRow `json:"rows"` // the most expensive first; of two profiles, the largest change first
}

// ProfileRow is what calls that have something in common cost.
type ProfileRow struct {
	Name string       `json:"name"`
	Now  ProfileCost  `json:"now"`
	Old  *ProfileCost `json:"old,omitempty"` // of the older of two profiles; null: there is one profile
	// The change of the cost per second, in ns, by its causes: other numbers of calls, and calls that take another
	// time. Both are sums over calls of the same workload, syscall, program and number of rules.
	ByCalls float64 `json:"change_by_calls_ns,omitempty"`
	ByMean  float64 `json:"change_by_mean_ns,omitempty"`
}

// ProfileCost is what some calls cost.
type ProfileCost struct {
	Calls   int64 `json:"calls"`
	Denials int64 `json:"denials"`
	HookNs  int64 `json:"hook_ns"` // of all calls

	seconds float64 // of the recording
}

// Mean returns the hook cost of a call, in ns; 0 without calls.
func (c *ProfileCost) Mean() float64 {
	if c.Calls == 0 {
		return 0
	}
	return float64(c.HookNs) / float64(c.Calls)
}

// Rate returns the calls per second, or their number if the profile does not say how long it is.
func (c *ProfileCost) Rate() float64 { return float64(c.Calls) / c.length() }

// PerSecond returns the hook cost in ns per second.
func (c *ProfileCost) PerSecond() float64 { return float64(c.HookNs) / c.length() }

func (c *ProfileCost) length() float64 {
	if c.seconds <= 0 {
		return 1
	}
	return c.seconds
}

// Change returns the change of the cost per second, in ns.
func (r *ProfileRow) Change() float64 { return r.ByCalls + r.ByMean }

// divide divides the change of the cost per second between its causes.
func (r *ProfileRow) divide() {
	if r.Old == nil {
		return
	}
	total := r.Now.PerSecond() - r.Old.PerSecond()
	if r.Now.Calls > 0 && r.Old.Calls > 0 {
		r.ByMean = (r.Now.Mean() - r.Old.Mean()) * r.Now.Rate()
	}
	r.ByCalls = total - r.ByMean
}

// add adds the costs and changes of a part of the row.
func (r *ProfileRow) add(part *ProfileRow) {
	r.Now.add(part.Now)
	if part.Old != nil {
		if r.Old == nil {
			r.Old = &ProfileCost{}
		}
		r.Old.add(*part.Old)
	}
	r.ByCalls, r.ByMean = r.ByCalls+part.ByCalls, r.ByMean+part.ByMean
}

// profileTables are the tables of a profile, in their order.
var profileTables = []struct {
	by string
	of func(*pprof.Sample) string
}{
	{"pod", podOf},
	{"workload", labelled("workload")},
	{"syscall", labelled("syscall")},
	{"hook", labelled("hook")},
	{"rules", labelled("rule_count")},
	{"program", func(s *pprof.Sample) string {
		return cmp.Or(labelOf(s, "program"),
			"all of "+labelOf(s, "hook"))
	}},
	{"enforcer", func(s *pprof.Sample) string { return text.Enforcer(labelOf(s, "enforcer")) }},
}

func labelled(key string) func(*pprof.Sample) string {
	return func(s *pprof.Sample) string { return cmp.Or(labelOf(s, key), "unknown") }
}

func labelOf(s *pprof.Sample, key string) string {
	if v := s.Label[key]; len(v) > 0 {
		return text.Printable(v[0])
	}
	return ""
}

func podOf(s *pprof.Sample) string {
	if labelOf(s, "pod") == "" {
		return ""
	}
	return strings.TrimPrefix(labelOf(s, "namespace")+"/"+labelOf(s, "pod"), "/")
}

// part is what calls of one workload, syscall, program and number of rules cost.
type part struct {
	ProfileRow
	sample *pprof.Sample // one of them
}

// partsOf sums a profile up by everything that tells calls apart, and an older one if it is not nil.
func partsOf(now, old *pprof.Profile) []*part {
	byName := map[string]*part{}
	var out []*part
	at := func(s *pprof.Sample) *part {
		var name []string
		for _, t := range profileTables {
			name = append(name, t.of(s))
		}
		key := strings.Join(append(name, labelOf(s, "hook")), "\x00")
		if byName[key] == nil {
			byName[key] = &part{sample: s}
			if old != nil {
				byName[key].Old = &ProfileCost{}
			}
			out = append(out, byName[key])
		}
		return byName[key]
	}
	for _, s := range now.Sample {
		at(s).Now.add(costOf(now, s))
	}
	if old != nil {
		for _, s := range old.Sample {
			at(s).Old.add(costOf(old, s))
		}
	}
	for _, p := range out {
		p.Now.seconds = seconds(now)
		if old != nil {
			p.Old.seconds = seconds(old)
		}
		p.divide()
	}
	return slices.DeleteFunc(out, func(p *part) bool { return p.Now.none() && (p.Old == nil || p.Old.none()) })
}

// tables sums a profile up, and an older one if it is not nil. Calls outside of pods are in no row of the pods. A table
// that would have nothing to say is left out: no pod, or one enforcer.
func tables(now, old *pprof.Profile) []ProfileTable {
	out := []ProfileTable{}
	parts := partsOf(now, old)
	for _, t := range profileTables {
		rows := map[string]*ProfileRow{}
		for _, p := range parts {
			name := t.of(p.sample)
			if name == "" {
				continue
			}
			if rows[name] == nil {
				rows[name] = &ProfileRow{Name: name}
			}
			rows[name].add(&p.ProfileRow)
		}
		table := ProfileTable{By: t.by, Rows: []ProfileRow{}}
		for _, r := range rows {
			table.Rows = append(table.Rows, *r)
		}
		slices.SortFunc(table.Rows, compareProfileRows)
		if len(rows) > 0 && (t.by != "enforcer" || len(rows) > 1) {
			out = append(out, table)
		}
	}
	if t := deniedTable(parts); old == nil && len(t.Rows) > 0 {
		out = append(out, t)
	}
	return out
}

// byDenied is the property of the table of denied calls.
const byDenied = "denied"

// deniedTable sums up which calls were denied, by workload, hook and syscall. The most frequent come first. The cost in
// a row is that of all its calls: allowed and denied ones are not timed apart.
func deniedTable(parts []*part) ProfileTable {
	rows := map[string]*ProfileRow{}
	for _, p := range parts {
		name := fmt.Sprintf("%s: %s in %s", labelOf(p.sample, "workload"), labelOf(p.sample, "hook"),
			labelOf(p.sample, "syscall"))
		if rows[name] == nil {
			rows[name] = &ProfileRow{Name: name}
		}
		rows[name].add(&p.ProfileRow)
	}
	table := ProfileTable{By: byDenied, Rows: []ProfileRow{}}
	for _, r := range rows {
		if r.Now.Denials > 0 {
			table.Rows = append(table.Rows, *r)
		}
	}
	slices.SortFunc(table.Rows, func(a, b ProfileRow) int {
		return cmp.Or(cmp.Compare(b.Now.Denials, a.Now.Denials), cmp.Compare(a.Name, b.Name))
	})
	return table
}

// whole returns the sum of all rows.
func whole(now, old *pprof.Profile) (all ProfileRow) {
	for _, p := range partsOf(now, old) {
		all.add(&p.ProfileRow)
	}
	return all
}

// add adds what other calls of the same recording cost.
func (c *ProfileCost) add(o ProfileCost) {
	c.Calls, c.Denials, c.HookNs = c.Calls+o.Calls, c.Denials+o.Denials, c.HookNs+o.HookNs
	c.seconds = max(c.seconds, o.seconds)
}

func (c *ProfileCost) none() bool { return c.Calls == 0 && c.Denials == 0 && c.HookNs == 0 }

func costOf(p *pprof.Profile, s *pprof.Sample) ProfileCost {
	c := ProfileCost{seconds: seconds(p)}
	for i, t := range p.SampleType {
		switch t.Type {
		case "calls":
			c.Calls = s.Value[i]
		case "denials":
			c.Denials = s.Value[i]
		case profile.HookTime:
			c.HookNs = s.Value[i]
		}
	}
	return c
}

func seconds(p *pprof.Profile) float64 { return float64(p.DurationNanos) / 1e9 }

func compareProfileRows(a, b ProfileRow) int {
	size := func(r *ProfileRow) float64 {
		if r.Old == nil {
			return float64(r.Now.HookNs)
		}
		return max(r.Change(), -r.Change())
	}
	return cmp.Or(cmp.Compare(size(&b), size(&a)), cmp.Compare(a.Name, b.Name))
}

// enforcerCosts returns what each enforcer cost, with what it cost where no rule applies.
func enforcerCosts(p *pprof.Profile) []profile.EnforcerCost {
	byName := map[string]*profile.EnforcerCost{}
	out := []profile.EnforcerCost{}
	for _, s := range p.Sample {
		name := labelOf(s, "enforcer")
		if byName[name] == nil {
			byName[name] = &profile.EnforcerCost{Name: name}
		}
		ns := float64(costOf(p, s).HookNs)
		byName[name].Hook += ns
		switch rules, err := strconv.Atoi(labelOf(s, "rule_count")); {
		case err != nil:
			byName[name].Unknown += ns
		case rules == 0:
			byName[name].Idle += ns
		}
	}
	for _, e := range byName {
		if e.Hook > 0 {
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(a, b profile.EnforcerCost) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
