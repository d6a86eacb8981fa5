package profile

import (
	"fmt"
	"time"
)

// CrossCheck is what the kernel's own statistics (bpf_stats) counted in a second pass, without probes.
type CrossCheck struct {
	Duration time.Duration
	Rerun    bool         // the command ran again, so calls can be compared; else only calls per second can
	Bias     float64      // what bpf_stats reads of an empty program, ns
	Programs []KernelRuns // same index as Snapshot.Programs
}

// KernelRuns is what bpf_stats counted of one program.
type KernelRuns struct {
	Present bool // during the whole pass
	Runs    uint64
	Time    time.Duration // of all runs, as bpf_stats reads it
}

// Comparison is one program in both passes.
type Comparison struct {
	Program      Program
	Present      bool    // in the second pass too; else there is nothing to compare
	Calls, Runs  float64 // from the probes and from bpf_stats: in all if the command ran again, else per second
	Body, Mean   float64 // of one call, ns, from the probes and from bpf_stats, each without its own bias
	CallsPercent float64 // by how much Calls exceeds Runs; 0 without Runs
	BodyPercent  float64 // by how much Body exceeds Mean; 0 without Mean
}

// Compare puts the two passes side by side, program by program. It returns nil without a CrossCheck.
func (c *Costs) Compare() []Comparison {
	s := &c.snapshot
	if s.CrossCheck == nil {
		return nil
	}
	body := make([]float64, len(s.Programs))
	for i := range c.Rows {
		body[c.Rows[i].Row.Program] += c.Rows[i].Body
	}
	first, second := s.Duration.Seconds(), s.CrossCheck.Duration.Seconds()
	if s.CrossCheck.Rerun {
		first, second = 1, 1
	}
	out := make([]Comparison, len(s.Programs))
	for i, p := range s.Programs {
		k := s.CrossCheck.Programs[i]
		both := Comparison{Program: p, Present: k.Present}
		both.Calls, both.Runs = ratio(float64(p.Calls()), first), ratio(float64(k.Runs), second)
		both.Body = ratio(body[i], float64(p.Calls()))
		if k.Runs > 0 {
			both.Mean = max(0, float64(k.Time.Nanoseconds())/float64(k.Runs)-s.CrossCheck.Bias)
		}
		both.CallsPercent, both.BodyPercent = excess(both.Calls, both.Runs), excess(both.Body, both.Mean)
		out[i] = both
	}
	return out
}

// ratio returns a/b; 0 if b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// excess returns by how many percent a exceeds b; 0 if b is 0.
func excess(a, b float64) float64 { return 100 * ratio(a-b, b) }

// String describes the second pass.
func (c CrossCheck) String() string {
	how := "the load may have changed, so rates are compared"
	if c.Rerun {
		how = "the command ran again"
	}
	return fmt.Sprintf("bpf_stats instead of probes for %v; %s", c.Duration.Round(time.Millisecond), how)
}
