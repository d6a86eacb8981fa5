package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// topSchema is the version of the objects of `top -o json`: fields are only ever added.
const topSchema = "lsmprof/top/v1"

// writeText prints the interval as a table; top limits its rows, 0 does not.
func (m *topModel) writeText(w io.Writer, top int) error {
	for _, line := range m.header() {
		if line.text == "" {
			continue
		}
		if _, err := fmt.Fprintln(w, line.text); err != nil {
			return err
		}
	}
	t := &text.Table{}
	for c := range topColumns[:topMinutes] {
		t.Header = append(t.Header, m.columnName(c))
	}
	t.Header[topName] = "<" + t.Header[topName]
	rows := m.rows(0)
	more := 0
	if top > 0 && len(rows) > top {
		more, rows = len(rows)-top, rows[:top]
	}
	for i := range rows {
		var cells []string
		for c := range topColumns[:topMinutes] {
			cells = append(cells, topColumns[c].text(&rows[i]))
		}
		t.Add(cells...)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(w, "… and %d more rows\n", more)
	}
	_, err := fmt.Fprintln(w)
	return err
}

type topJSON struct {
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
	Rows         []topRowJSON      `json:"rows"`
	Warnings     []profile.Warning `json:"warnings"`
}

type topRowJSON struct {
	Name      string  `json:"name"`
	Calls     uint64  `json:"calls"` // in the interval
	Denials   uint64  `json:"denials"`
	CallRate  float64 `json:"calls_per_second"`
	DenyRate  float64 `json:"denials_per_second"`
	HookCPU   float64 `json:"hook_cpu_percent"`
	HookNs    float64 `json:"hook_ns"` // all calls
	MeanNs    float64 `json:"mean_ns"`
	P50Ns     float64 `json:"p50_ns"`
	P99Ns     float64 `json:"p99_ns"`
	Rules     []int   `json:"rules"`         // the different counts
	RulesLack bool    `json:"rules_unknown"` // some calls ran under an unknown number of rules
}

// writeJSON prints the interval as one line.
func (m *topModel) writeJSON(w io.Writer) error {
	s := m.shown
	d := s.delta.Duration
	doc := topJSON{
		Schema: topSchema, Time: s.end, IntervalNs: int64(d), Kernel: s.delta.Machine.Kernel, CPUs: s.delta.Machine.CPUs,
		By: topGroupings[m.by].name, HookCPU: 100 * perSecond(s.costs.Hook, d) / 1e9,
		SelfCPU: 100 * perSecond(s.self.Seconds(), d), Completeness: s.delta.Total().Completeness(), Sample: max(1, s.delta.Sample),
		Rows: []topRowJSON{}, Warnings: append([]profile.Warning{}, s.delta.Warnings...),
	}
	if s.delta.Calibration.Runs > 0 {
		probes := 100 * perSecond(s.delta.ProbeCost(), d) / 1e9
		doc.ProbeCPU = &probes
	}
	for _, r := range m.rows(0) {
		if r.Calls == 0 {
			continue
		}
		row := topRowJSON{
			Name: r.Name, Calls: r.Calls, Denials: r.Denials, CallRate: r.calls, DenyRate: r.denials, HookCPU: 100 * r.share, HookNs: r.Hook,
			MeanNs: r.Mean(), P50Ns: r.Quantile(0.5), P99Ns: r.Quantile(0.99), Rules: append([]int{}, r.Rules...),
		}
		if len(row.Rules) > 0 && row.Rules[0] == profile.RulesUnknown {
			row.Rules, row.RulesLack = row.Rules[1:], true
		}
		doc.Rows = append(doc.Rows, row)
	}
	return json.NewEncoder(w).Encode(doc)
}
