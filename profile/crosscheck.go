package profile

import (
	"fmt"
	"time"
)

// CrossCheck is what the kernel's own statistics (bpf_stats) said in a second pass, without probes.
type CrossCheck struct {
	Duration time.Duration
	Rerun    bool         // the command ran again: calls compare, not only calls per second
	Bias     float64      // what bpf_stats reads of an empty program, ns
	Programs []KernelRuns // same index as Snapshot.Programs
}

// KernelRuns is one program in that pass.
type KernelRuns struct {
	There bool // throughout the pass
	Runs  uint64
	Time  time.Duration // bpf_stats' own reading, all runs
}

// Comparison is one program in both passes.
type Comparison struct {
	Of           Program
	There        bool    // also in the second pass: else there is nothing to compare
	Calls, Runs  float64 // by the probes and by bpf_stats: per second or, where the command ran again, in all
	Body, Mean   float64 // of one call, ns, without what each method itself reads
	CallsPercent float64 // by how much the probes' are more; 0 where bpf_stats has none
	BodyPercent  float64
}

// Compare puts the two passes side by side, program by program. Without a CrossCheck it returns nothing.
func (s Snapshot) Compare() ([]Comparison, error) {
	if s.CrossCheck == nil {
		return nil, nil
	}
	costs, err := s.Costs()
	if err != nil {
		return nil, err
	}
	if len(s.CrossCheck.Programs) != len(s.Programs) {
		return nil, fmt.Errorf("cross-check of %d programs of %d", len(s.CrossCheck.Programs), len(s.Programs))
	}
	body := make([]float64, len(s.Programs))
	for i := range costs.Rows {
		body[costs.Rows[i].Program] += costs.Rows[i].Body
	}
	first, second := s.Duration.Seconds(), s.CrossCheck.Duration.Seconds()
	if s.CrossCheck.Rerun {
		first, second = 1, 1
	}
	out := make([]Comparison, len(s.Programs))
	for i, p := range s.Programs {
		k := s.CrossCheck.Programs[i]
		c := Comparison{Of: p, There: k.There}
		c.Calls, c.Runs = ratio(float64(p.Calls()), first), ratio(float64(k.Runs), second)
		c.Body = ratio(body[i], float64(p.Calls()))
		if k.Runs > 0 {
			c.Mean = max(0, float64(k.Time.Nanoseconds())/float64(k.Runs)-s.CrossCheck.Bias)
		}
		c.CallsPercent, c.BodyPercent = more(c.Calls, c.Runs), more(c.Body, c.Mean)
		out[i] = c
	}
	return out, nil
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// more is by how many percent a is more than b.
func more(a, b float64) float64 { return 100 * ratio(a-b, b) }

func (c *CrossCheck) String() string {
	how := "the load may have changed since: rates are compared"
	if c.Rerun {
		how = "the command run again"
	}
	return fmt.Sprintf("bpf_stats in place of probes for %v; %s", c.Duration.Round(time.Millisecond), how)
}

type crossCheckJSON struct {
	DurationNs int64            `json:"duration_ns"`
	Rerun      bool             `json:"rerun"` // calls compare; else only calls per second do
	BiasNs     float64          `json:"bias_ns"`
	Programs   []comparisonJSON `json:"programs"`
}

type comparisonJSON struct {
	ProgramID    uint32  `json:"program_id"`
	Program      string  `json:"program"`
	Hook         string  `json:"hook"`
	There        bool    `json:"there"` // false: detached before or during the second pass
	Calls        float64 `json:"calls"` // per second unless rerun
	StatsCalls   float64 `json:"bpf_stats_calls"`
	CallsPercent float64 `json:"calls_percent"`
	BodyNs       float64 `json:"body_ns"` // of one call
	StatsNs      float64 `json:"bpf_stats_ns"`
	BodyPercent  float64 `json:"body_percent"`
}

func (s Snapshot) crossCheckJSON() (*crossCheckJSON, error) {
	comparisons, err := s.Compare()
	if err != nil || s.CrossCheck == nil {
		return nil, err
	}
	doc := &crossCheckJSON{
		DurationNs: int64(s.CrossCheck.Duration), Rerun: s.CrossCheck.Rerun, BiasNs: s.CrossCheck.Bias, Programs: []comparisonJSON{},
	}
	for _, c := range comparisons {
		doc.Programs = append(doc.Programs, comparisonJSON{
			c.Of.ID, c.Of.Name, c.Of.Hook, c.There, c.Calls, c.Runs, c.CallsPercent, c.Body, c.Mean, c.BodyPercent,
		})
	}
	return doc, nil
}
