package rundir

import (
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// Result is a line of results.jsonl: one test under one scenario in one round.
type Result struct {
	Batch    int       `json:"batch"`
	Round    int       `json:"round"`
	Test     string    `json:"test"`
	Scenario string    `json:"scenario"`
	Start    time.Time `json:"start"`
	Ops      float64   `json:"ops"`
	Ns       float64   `json:"ns"`
	Score    float64   `json:"score"` // in the test's unit
	// Slices are the operations and nanoseconds of each slice.
	Slices [][2]float64 `json:"slices,omitempty"`
	Output string       `json:"output,omitempty"` // file below raw/
	// InForce is what the enforcers' own maps held before and after; null: not read.
	InForce *InForce `json:"in_force"`
	// Discarded holds the reasons why earlier attempts at this round were discarded.
	Discarded    []string     `json:"discarded,omitempty"`
	Interference Interference `json:"environment"`
}

// Rate returns operations per second, or 0 if no time passed.
func (r *Result) Rate() float64 {
	if r.Ns == 0 {
		return 0
	}
	return r.Ops / r.Ns * 1e9
}

// Interference is what other processes did to the machine during a round.
type Interference struct {
	Foreign  float64 `json:"foreign_cpus"` // CPUs that other processes kept busy
	Steal    float64 `json:"steal_cpus"`   // CPUs that the hypervisor took away
	Load     float64 `json:"load1"`
	Pressure float64 `json:"cpu_pressure_percent"` // PSI, some, average of 10 s
	Busy     bool    `json:"busy"`                 // Foreign and Steal are above BusyAbove
	Wall     float64 `json:"-"`                    // seconds of observation
}

// And joins the interference of two parts of a round. The time between them, for setup and teardown, does not count.
func (i Interference) And(next Interference) Interference {
	all := max(i.Wall+next.Wall, 1e-9)
	next.Foreign = (i.Foreign*i.Wall + next.Foreign*next.Wall) / all
	next.Steal = (i.Steal*i.Wall + next.Steal*next.Wall) / all
	next.Load, next.Pressure, next.Wall = max(i.Load, next.Load), max(i.Pressure, next.Pressure), all
	next.Busy = next.Foreign+next.Steal > BusyAbove
	return next
}

const (
	// BusyAbove is the number of CPUs that other processes may keep busy before a round is marked.
	BusyAbove = 0.1
	// RetryAbove is the number of CPUs above which a round is repeated.
	RetryAbove = 0.5
)

// WorthRetrying reports whether the round should be repeated.
func (i Interference) WorthRetrying() bool { return i.Foreign+i.Steal > RetryAbove }

// InForce is what the enforcers' own maps held for a scenario while it was measured.
type InForce struct {
	// attached programs by product; empty: none that lsmprof knows
	Programs map[string]int `json:"programs"`
	// of the workload, by product; products without a policy for it are left out
	Policies map[string]rules.Rules `json:"rules"`
}
