package profile

import (
	"encoding/json"
	"io"
	"time"
)

// Schema is the version of the document that WriteJSON writes. It changes when a field goes or changes its meaning.
const Schema = "lsmprof/record/v1"

// WriteJSON writes the snapshot and its costs as one JSON object. Rows are in a fixed order: workload, syscall, hook, program,
// rules. Times are nanoseconds.
func (s Snapshot) WriteJSON(w io.Writer) error {
	doc, err := s.document()
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}

type document struct {
	Schema       string           `json:"schema"`
	Version      string           `json:"lsmprof_version"`
	CommandLine  []string         `json:"command_line"`
	Start        time.Time        `json:"start"`
	DurationNs   int64            `json:"duration_ns"`
	Machine      machineJSON      `json:"machine"`
	Calibration  *Calibration     `json:"calibration"` // null: not calibrated
	Completeness completenessJSON `json:"completeness"`
	ProbeCostNs  float64          `json:"probe_cost_ns"` // what profiling cost, all invocations
	Sample       int              `json:"sample"`        // 1 of so many invocations was measured and charged so many times
	StackSample  int              `json:"stack_sample"`  // the stack of 1 of so many was taken, for the pprof profile; 0: of none
	HookNs       float64          `json:"hook_ns"`       // all rows
	Programs     []programJSON    `json:"programs"`
	CrossCheck   *crossCheckJSON  `json:"cross_check"` // null: none was made
	Rows         []rowJSON        `json:"rows"`
	Warnings     []Warning        `json:"warnings"`
}

type machineJSON struct {
	Kernel string `json:"kernel"`
	Arch   string `json:"arch"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
}

type completenessJSON struct {
	Percent     float64 `json:"percent"`
	Invocations uint64  `json:"invocations"`
	Timed       uint64  `json:"timed"`
	Preempted   uint64  `json:"preempted"`
	Missed      uint64  `json:"missed"`
}

type programJSON struct {
	ID           uint32           `json:"id"`
	Name         string           `json:"name"`
	Hook         string           `json:"hook"`
	Enforcer     string           `json:"enforcer"`
	Scope        string           `json:"scope"` // program, or hook where programs cannot be told apart
	Position     int              `json:"position"`
	Completeness completenessJSON `json:"completeness"`
}

type rowJSON struct {
	Workload  string `json:"workload"`
	MntNS     uint32 `json:"mntns"`
	Comm      string `json:"comm"`
	Cgroup    string `json:"cgroup"`
	Namespace string `json:"namespace"` // of the pod; this and the next four are empty outside of containers
	Pod       string `json:"pod"`
	Container string `json:"container"`
	// ContainerID is the id in full; empty outside of containers.
	ContainerID string  `json:"container_id"`
	Image       string  `json:"image"`
	Labels      string  `json:"labels"` // of the pod: app=web,tier=front
	Syscall     string  `json:"syscall"`
	Hook        string  `json:"hook"`
	Program     string  `json:"program"` // empty where scope is hook
	ProgramID   uint32  `json:"program_id"`
	Enforcer    string  `json:"enforcer"`
	Rules       *int    `json:"rules"` // null: unknown
	Calls       uint64  `json:"calls"`
	Seen        uint64  `json:"seen"` // by the probes; calls contains a share of the missed as well
	Denials     uint64  `json:"denials"`
	BodyNs      float64 `json:"body_ns"` // all calls
	HookNs      float64 `json:"hook_ns"` // all calls, body and dispatch
	MeanNs      float64 `json:"mean_ns"` // hook cost of a call
	P50Ns       float64 `json:"p50_ns"`
	P99Ns       float64 `json:"p99_ns"`
	Share       float64 `json:"share_percent"` // of hook_ns
}

func (s Snapshot) document() (document, error) {
	costs, err := s.Costs()
	if err != nil {
		return document{}, err
	}
	doc := document{
		Schema:       Schema,
		Version:      s.Version,
		CommandLine:  append([]string{}, s.CommandLine...),
		Start:        s.Start,
		DurationNs:   int64(s.Duration),
		Machine:      machineJSON(s.Machine),
		Completeness: completenessOf(s.Total()),
		ProbeCostNs:  s.ProbeCost(),
		Sample:       max(1, s.Sample),
		StackSample:  s.StackSample,
		HookNs:       costs.Hook,
		Programs:     []programJSON{},
		Rows:         []rowJSON{},
		Warnings:     s.AllWarnings(),
	}
	if doc.CrossCheck, err = s.crossCheckJSON(); err != nil {
		return document{}, err
	}
	if c := s.Calibration; c.Runs > 0 {
		doc.Calibration = &c
	}
	for _, p := range s.Programs {
		doc.Programs = append(doc.Programs, programJSON{
			p.ID, p.Name, p.Hook, p.Enforcer, p.Scope.String(), p.Position, completenessOf(p),
		})
	}
	for i := range costs.Rows {
		doc.Rows = append(doc.Rows, rowOf(&costs.Rows[i], costs.Share(&costs.Rows[i])))
	}
	return doc, nil
}

func rowOf(c *Cost, share float64) rowJSON {
	row := rowJSON{
		Workload: c.Name, MntNS: c.Workload.MntNS, Comm: printable(c.Workload.Comm),
		Cgroup: c.Workload.Cgroup, Namespace: c.Workload.Namespace, Pod: c.Workload.Pod, Container: c.Workload.Container,
		ContainerID: c.Workload.ContainerID, Image: c.Workload.Image, Labels: c.Workload.Labels,
		Syscall: c.Syscall, Hook: c.Of.Hook, Program: c.Of.Name, ProgramID: c.Of.ID, Enforcer: c.Of.Enforcer,
		Calls: c.Calls, Seen: c.Readings.Count() + c.Preempted, Denials: c.Denials, BodyNs: c.Body, HookNs: c.Hook,
		MeanNs: c.Mean(), P50Ns: c.Quantile(0.5), P99Ns: c.Quantile(0.99), Share: share,
	}
	if c.Rules != RulesUnknown {
		row.Rules = &c.Rules
	}
	return row
}

func completenessOf(p Program) completenessJSON {
	return completenessJSON{p.Completeness(), p.Calls(), p.Timed, p.Preempted, p.Missed}
}
