package profile

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Schema is the version of the document that WriteJSON writes. It changes when a field goes or changes its meaning.
const Schema = "lsmprof/record/v1"

// Document is the JSON form of a snapshot and its costs. Times are nanoseconds.
type Document struct {
	Schema       string               `json:"schema"`
	Version      string               `json:"lsmprof_version"`
	CommandLine  []string             `json:"command_line"`
	Start        time.Time            `json:"start"`
	DurationNs   int64                `json:"duration_ns"`
	Machine      Machine              `json:"machine"`
	Calibration  *Calibration         `json:"calibration"` // null: not calibrated
	Completeness DocumentCompleteness `json:"completeness"`
	ProbeCostNs  float64              `json:"probe_cost_ns"` // what the probes cost the profiled system, all calls
	Sample       int                  `json:"sample"`        // 1 of sample calls was measured; it counts for all
	StackSample  int                  `json:"stack_sample"`  // 1 of stack_sample calls has its stack taken; 0: none
	OwnCalls     uint64               `json:"own_calls"`     // of lsmprof itself, which nothing else here counts
	HookNs       float64              `json:"hook_ns"`       // all rows
	Enforcers    []EnforcerCost       `json:"enforcers"`     // the parts of hook_ns
	Programs     []DocumentProgram    `json:"programs"`
	CrossCheck   *DocumentCrossCheck  `json:"cross_check"` // null: no second pass
	EachRule     *DocumentEachRule    `json:"each_rule,omitempty"`
	Lines        *DocumentLines       `json:"lines"` // null: the insides of programs were not sampled
	Rows         []DocumentRow        `json:"rows"`  // by workload, syscall, hook, program, rules
	Warnings     []string             `json:"warnings"`
}

// DocumentCompleteness says which calls have a time. Timed, preempted and missed calls add up to all calls, which the
// field invocations has.
type DocumentCompleteness struct {
	Percent     float64 `json:"percent"` // timed calls
	Invocations uint64  `json:"invocations"`
	Timed       uint64  `json:"timed"`
	Preempted   uint64  `json:"preempted"` // without a time: another task ran meanwhile
	Missed      uint64  `json:"missed"`    // kept from the probe by the kernel
}

// DocumentProgram is one probed program or, with scope hook, all programs of a hook.
type DocumentProgram struct {
	ID           uint32               `json:"id"`
	Name         string               `json:"name"`
	Hook         string               `json:"hook"`
	Enforcer     string               `json:"enforcer"`
	Scope        Scope                `json:"scope"`    // hook: all programs of the hook together
	Position     int                  `json:"position"` // on the hook; 0 was attached first
	Completeness DocumentCompleteness `json:"completeness"`
}

// DocumentRow is what one program cost one workload in one syscall under one number of rules.
type DocumentRow struct {
	Workload    string `json:"workload"`
	MntNS       uint32 `json:"mntns"`
	Comm        string `json:"comm"`
	Cgroup      string `json:"cgroup"`
	Namespace   string `json:"namespace"` // of the pod; empty outside of containers, like the next five
	Pod         string `json:"pod"`
	Container   string `json:"container"`
	ContainerID string `json:"container_id"` // in full
	Image       string `json:"image"`
	Labels      string `json:"labels"` // of the pod: app=web,tier=front
	Syscall     string `json:"syscall"`
	Hook        string `json:"hook"`
	Program     string `json:"program"` // empty if all programs of the hook are measured together
	ProgramID   uint32 `json:"program_id"`
	Enforcer    string `json:"enforcer"`
	Rules       *int   `json:"rules"` // null: unknown
	// Policy confines the workload under the security module of a function; empty for programs.
	Policy  string  `json:"policy"`
	Calls   uint64  `json:"calls"`
	Seen    uint64  `json:"seen"` // by the probes; calls also contains a share of the missed calls
	Denials uint64  `json:"denials"`
	BodyNs  float64 `json:"body_ns"`       // all calls
	HookNs  float64 `json:"hook_ns"`       // all calls: body and dispatch
	MeanNs  float64 `json:"mean_ns"`       // hook cost of a call
	P50Ns   float64 `json:"p50_ns"`        // median hook cost of a call
	P99Ns   float64 `json:"p99_ns"`        // 99th percentile
	Share   float64 `json:"share_percent"` // of the document's hook_ns
}

// DocumentCrossCheck is the comparison with a second pass, without probes.
type DocumentCrossCheck struct {
	DurationNs int64                `json:"duration_ns"`
	Rerun      bool                 `json:"rerun"`   // the command ran again; else rates are compared
	BiasNs     float64              `json:"bias_ns"` // what bpf_stats reads of an empty program
	Programs   []DocumentComparison `json:"programs"`
}

// DocumentComparison is one program in both passes.
type DocumentComparison struct {
	ProgramID    uint32  `json:"program_id"`
	Program      string  `json:"program"`
	Hook         string  `json:"hook"`
	Present      bool    `json:"there"` // false: detached before or during the second pass
	Calls        float64 `json:"calls"` // per second unless rerun
	StatsCalls   float64 `json:"bpf_stats_calls"`
	CallsPercent float64 `json:"calls_percent"` // by how much calls exceeds bpf_stats_calls
	BodyNs       float64 `json:"body_ns"`       // of one call
	StatsNs      float64 `json:"bpf_stats_ns"`
	BodyPercent  float64 `json:"body_percent"` // by how much body_ns exceeds bpf_stats_ns
}

// WriteJSON writes the snapshot and its costs as one JSON object, a [Document].
func (c *Costs) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(c.Document())
}

// WriteJSON works out the costs and writes both as a [Document].
func (s Snapshot) WriteJSON(w io.Writer) error {
	c, err := s.Costs()
	if err != nil {
		return err
	}
	return c.WriteJSON(w)
}

// ReadJSON reads what WriteJSON wrote. It fails if the document has another schema.
func ReadJSON(r io.Reader) (*Document, error) {
	var doc Document
	if err := json.NewDecoder(r).Decode(&doc); err != nil {
		return nil, fmt.Errorf("read a profile in JSON: %w", err)
	}
	if doc.Schema != Schema {
		return nil, fmt.Errorf("read a profile in JSON: the schema is %q, want %q", doc.Schema, Schema)
	}
	return &doc, nil
}

// Document returns the JSON form. Its lists are never nil.
func (c *Costs) Document() *Document {
	s := &c.snapshot
	doc := &Document{
		Schema:       Schema,
		Version:      s.Version,
		CommandLine:  append([]string{}, s.CommandLine...),
		Start:        s.Start,
		DurationNs:   int64(s.Duration),
		Machine:      s.Machine,
		Completeness: completenessOf(s.Total()),
		ProbeCostNs:  s.ProbeCost(),
		Sample:       max(1, s.Sample),
		StackSample:  s.StackSample,
		OwnCalls:     s.OwnCalls,
		HookNs:       c.Hook,
		Enforcers:    c.Enforcers(),
		Programs:     []DocumentProgram{},
		CrossCheck:   c.documentCrossCheck(),
		EachRule:     s.EachRule.document(),
		Lines:        c.documentLines(),
		Rows:         []DocumentRow{},
		Warnings:     []string{},
	}
	if cal := s.Calibration; cal.Runs > 0 {
		doc.Calibration = &cal
	}
	for _, p := range s.Programs {
		doc.Programs = append(doc.Programs, DocumentProgram{
			p.ID, p.Name, p.Hook, p.Enforcer, p.Scope, p.Position, completenessOf(p),
		})
	}
	for i := range c.Rows {
		doc.Rows = append(doc.Rows, documentRow(&c.Rows[i], c.Share(&c.Rows[i])))
	}
	for _, w := range c.Warnings() {
		doc.Warnings = append(doc.Warnings, w.Text)
	}
	return doc
}

func documentRow(c *Cost, share float64) DocumentRow {
	w := &c.Workload
	row := DocumentRow{
		Workload: c.Name, MntNS: w.MntNS, Comm: text.Printable(w.Comm), Cgroup: w.Cgroup,
		Namespace: w.Namespace, Pod: w.Pod, Container: w.Container, ContainerID: w.ContainerID,
		Image: w.Image, Labels: w.Labels,

		Syscall: c.Syscall, Hook: c.Program.Hook, Program: c.Program.Name, ProgramID: c.Program.ID,
		Enforcer: c.Program.Enforcer, Policy: c.Policy,

		Calls: c.Calls, Seen: c.Readings.Count() + c.Preempted, Denials: c.Denials,
		BodyNs: c.Body, HookNs: c.Hook, MeanNs: c.Mean(), P50Ns: c.Quantile(0.5), P99Ns: c.Quantile(0.99),
		Share: share,
	}
	if c.Rules != RulesUnknown {
		rules := c.Rules
		row.Rules = &rules
	}
	return row
}

func (c *Costs) documentCrossCheck() *DocumentCrossCheck {
	check := c.snapshot.CrossCheck
	if check == nil {
		return nil
	}
	doc := &DocumentCrossCheck{
		DurationNs: int64(check.Duration), Rerun: check.Rerun, BiasNs: check.Bias,
		Programs: []DocumentComparison{},
	}
	for _, both := range c.Compare() {
		doc.Programs = append(doc.Programs, DocumentComparison{
			both.Program.ID, both.Program.Name, both.Program.Hook, both.Present,
			both.Calls, both.Runs, both.CallsPercent, both.Body, both.Mean, both.BodyPercent,
		})
	}
	return doc
}

func completenessOf(p Program) DocumentCompleteness {
	return DocumentCompleteness{p.Completeness(), p.Calls(), p.Timed, p.Preempted, p.Missed}
}
