package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/fleet"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// HistorySchema is the version of the JSON of a [HistoryReport].
const HistorySchema = "lsmprof/history-report/v1"

// mostKinds is the number of kinds of calls in all profiles of a history.
const mostKinds = 1_000_000

// mostPoints is the number of runs and profiles, the newest, that a history keeps.
const mostPoints = 1000

// History collects runs of `lsmprof bench` and profiles of several days. The zero value has none. It must not be used
// concurrently.
type History struct {
	points  []historyPoint
	missing []FleetMissing
	decoder fleet.Decoder
	kinds   int // of calls, in all profiles
}

// historyPoint is a run or a profile.
type historyPoint struct {
	HistoryPoint
	values  map[string]HistoryValue // by series, of a run
	profile *fleet.Profile
}

// HistoryPoint is a run or a profile of a history.
type HistoryPoint struct {
	Name  string            `json:"name"`
	Start time.Time         `json:"start"`
	Host  string            `json:"host"`
	Facts map[string]string `json:"facts"` // what may change between two points: lsmprof, kernel, CPU, enforcer
}

// HistoryValue is a value of a series at a point.
type HistoryValue struct {
	Kind  string  // loss, explained, mean, relative_cost or cpu_share
	Value float64 // a share, or ns for a mean
}

// AddRun adds a run directory. One that cannot be read is named in the report.
func (h *History) AddRun(name, dir string) error {
	run, err := rundir.Open(dir)
	if err != nil {
		return h.refuse(name, err)
	}
	return h.addRun(name, run)
}

func (h *History) addRun(name string, run *rundir.Run) error {
	info := &run.Info
	if info.Start.IsZero() {
		return h.refuse(name, fmt.Errorf("the run does not say when it began"))
	}
	p := historyPoint{
		HistoryPoint: HistoryPoint{
			Name: name, Start: info.Start.UTC(), Host: info.Machine.Host, Facts: map[string]string{
				"lsmprof": info.Version, "kernel": info.Machine.Kernel, "CPU": info.Machine.CPU,
				"preemption": info.Machine.Preemption, "suite": info.Suite,
				"mitigations": strings.Join(info.Machine.Mitigations, ", "),
				"enforcer":    strings.TrimSpace(info.Enforcer + " " + info.Product),
			},
		},
		values: map[string]HistoryValue{},
	}
	a := run.Analyze()
	for i := range a.Cells {
		c := &a.Cells[i]
		if info.Plan.IsBaseline(c.Scenario) || c.Rounds == 0 {
			continue
		}
		name := c.Test + ", " + c.Scenario
		p.values[name+": loss"] = HistoryValue{"loss", c.Loss}
		if c.Explained != nil {
			p.values[name+": explained by hooks"] = HistoryValue{"explained", *c.Explained}
		}
	}
	h.points = append(h.points, p)
	return nil
}

// AddProfile adds a profile that `lsmprof record` or `lsmprof serve` wrote. One that cannot be read is named in the
// report.
func (h *History) AddProfile(name string, profile io.Reader) error {
	p, err := h.decoder.Decode(profile)
	if err == nil && p.Start.IsZero() {
		err = fmt.Errorf("the profile does not say when it began")
	}
	if err != nil {
		return h.refuse(name, err)
	}
	// Only properties that calls are compared by are kept.
	costs := map[fleet.Part]fleet.Cost{}
	for part, c := range p.Costs {
		costs[part.Alike()] = c.Plus(costs[part.Alike()])
	}
	if p.Costs = costs; h.kinds+len(costs) > mostKinds {
		return h.refuse(name, fmt.Errorf("the profiles have more than %d kinds of calls: give fewer",
			mostKinds))
	}
	h.kinds += len(costs)
	h.points = append(h.points, historyPoint{
		HistoryPoint: HistoryPoint{
			Name: name, Start: p.Start, Host: p.Host,
			Facts: map[string]string{"lsmprof": p.Version, "kernel": p.Kernel, "enforcer": enforcersIn(p)},
		},
		profile: p,
	})
	return nil
}

func (h *History) refuse(name string, err error) error {
	h.missing = append(h.missing, FleetMissing{name, err.Error()})
	return err
}

// enforcersIn lists the enforcers of a profile.
func enforcersIn(p *fleet.Profile) string {
	seen := map[string]bool{}
	var names []string
	for part := range p.Costs {
		if name := part[fleet.Enforcer]; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// HistoryReport says what changed over time, and when. The zero value is an empty report.
type HistoryReport struct {
	Schema  string          `json:"schema"`
	Title   string          `json:"title"`
	Answer  []string        `json:"answer"` // sentences
	Points  []HistoryPoint  `json:"points"` // by time
	Series  []HistorySeries `json:"series"` // those with changes first, the latest change first
	Missing []FleetMissing  `json:"missing"`
	Facts   []string        `json:"facts"`
	// Alpha is the level at which each series was tested, so that a history without a change has one in 5 % of
	// cases.
	Alpha float64 `json:"alpha"`
	Least int     `json:"least_values"` // that a series needs to show a change
}

// HistorySeries is how one figure developed.
type HistorySeries struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`   // as in HistoryValue
	Values  []*float64      `json:"values"` // by point; null: the point has none
	Changes []HistoryChange `json:"changes"`
}

// HistoryChange is a point from which on a series has other values.
type HistoryChange struct {
	Point  int      `json:"point"`  // index of the first point of the new values
	Before float64  `json:"before"` // median, back to the change before
	After  float64  `json:"after"`  // median, up to the next change
	P      float64  `json:"p"`
	Also   []string `json:"also"` // facts that changed there, too: "kernel: 6.1 → 6.12"
}

// WriteJSON writes the report as one JSON object.
func (r *HistoryReport) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// sorted returns the points by time, the newest mostPoints of them, and how many older ones there are.
func (h *History) sorted() ([]historyPoint, int) {
	all := slices.Clone(h.points)
	slices.SortStableFunc(all, func(a, b historyPoint) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name))
	})
	older := max(0, len(all)-mostPoints)
	return all[older:], older
}
