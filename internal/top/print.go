package top

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// Schema is the version of the objects that WriteJSON prints. Fields are only ever added to it.
const Schema = "lsmprof/top/v1"

// WriteText prints the interval as a table of at most limit rows, or of all if limit is 0.
func (m *Model) WriteText(w io.Writer, limit int) error {
	for _, line := range m.header() {
		if line.Text == "" {
			continue
		}
		if _, err := fmt.Fprintln(w, line.Text); err != nil {
			return err
		}
	}
	t := &text.Table{}
	shown := slices.DeleteFunc(m.columns(), func(c int) bool { return c == columnMinute })
	for _, c := range shown {
		t.Header = append(t.Header, m.columnName(c))
	}
	t.Header[0] = "<" + t.Header[0]
	rows := m.rows(0)
	more := 0
	if limit > 0 && len(rows) > limit {
		more, rows = len(rows)-limit, rows[:limit]
	}
	for i := range rows {
		var cells []string
		for _, c := range shown {
			cells = append(cells, columns[c].text(&rows[i]))
		}
		t.Add(cells...)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(w, "… and %s\n", text.Plural(more, "more row"))
	}
	_, err := fmt.Fprintln(w)
	return err
}

type intervalJSON struct {
	Schema       string            `json:"schema"`
	Time         time.Time         `json:"time"` // end of the interval
	IntervalNs   int64             `json:"interval_ns"`
	Kernel       string            `json:"kernel"`
	CPUs         int               `json:"cpus"`
	By           string            `json:"by"`
	HookCPU      float64           `json:"hook_cpu_percent"`  // of one CPU, all rows
	ProbeCPU     *float64          `json:"probe_cpu_percent"` // null: not calibrated
	SelfCPU      float64           `json:"self_cpu_percent"`
	Completeness float64           `json:"completeness_percent"`
	Sample       int               `json:"sample"`
	Rows         []rowJSON         `json:"rows"`
	Warnings     []profile.Warning `json:"warnings"`
}

type rowJSON struct {
	Name     string  `json:"name"`
	Calls    uint64  `json:"calls"` // in the interval
	Denials  uint64  `json:"denials"`
	CallRate float64 `json:"calls_per_second"`
	DenyRate float64 `json:"denials_per_second"`
	HookCPU  float64 `json:"hook_cpu_percent"`
	HookNs   float64 `json:"hook_ns"` // all calls
	MeanNs   float64 `json:"mean_ns"`
	P50Ns    float64 `json:"p50_ns"`
	P99Ns    float64 `json:"p99_ns"`
	Rules    []int   `json:"rules"`         // the different counts
	Unknown  bool    `json:"rules_unknown"` // some calls ran under an unknown number of rules
}

// WriteJSON prints the interval as one object on its own line. Rows without calls are left out.
func (m *Model) WriteJSON(w io.Writer) error {
	s := m.shown
	d := s.Delta.Duration
	doc := intervalJSON{
		Schema: Schema, Time: s.End, IntervalNs: int64(d), Kernel: s.Delta.Machine.Kernel,
		CPUs: s.Delta.Machine.CPUs, By: groupings[m.by].Name, HookCPU: 100 * perSecond(s.costs.Hook, d) / 1e9,
		SelfCPU: 100 * perSecond(s.Self.Seconds(), d), Completeness: s.Delta.Total().Completeness(),
		Sample: max(1, s.Delta.Sample), Rows: []rowJSON{},
		Warnings: append([]profile.Warning{}, s.Delta.Warnings...),
	}
	if s.Delta.Calibration.Runs > 0 {
		probes := 100 * perSecond(s.Delta.ProbeCost(), d) / 1e9
		doc.ProbeCPU = &probes
	}
	for _, r := range m.rows(0) {
		if r.Calls > 0 {
			doc.Rows = append(doc.Rows, r.json())
		}
	}
	return json.NewEncoder(w).Encode(doc)
}

func (r *row) json() rowJSON {
	out := rowJSON{
		Name: r.Name, Calls: r.Calls, Denials: r.Denials, CallRate: r.calls, DenyRate: r.denials,
		HookCPU: 100 * r.share, HookNs: r.Hook, MeanNs: r.Mean(), P50Ns: r.Quantile(0.5),
		P99Ns: r.Quantile(0.99), Rules: append([]int{}, r.Rules...),
	}
	if len(out.Rules) > 0 && out.Rules[0] == profile.RulesUnknown {
		out.Rules, out.Unknown = out.Rules[1:], true
	}
	return out
}
