package rundir

import (
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// Result is a line of results.jsonl: what one scenario did for one test in one round.
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
	// InForce is what the enforcers' own maps said before and after; null: not read.
	InForce *InForce `json:"in_force"`
	// Discarded says why earlier attempts at this round do not count.
	Discarded    []string     `json:"discarded,omitempty"`
	Interference Interference `json:"environment"`
}

// Rate is operations a second.
func (r *Result) Rate() float64 {
	if r.Ns == 0 {
		return 0
	}
	return r.Ops / r.Ns * 1e9
}

// Interference is what else went on in the machine during a round.
type Interference struct {
	Foreign  float64 `json:"foreign_cpus"` // CPUs that others kept busy
	Steal    float64 `json:"steal_cpus"`   // CPUs that the hypervisor took away
	Load     float64 `json:"load1"`
	Pressure float64 `json:"cpu_pressure_percent"` // PSI, some, average of 10 s
	Busy     bool    `json:"busy"`                 // others had more than BusyAbove
	Wall     float64 `json:"-"`                    // seconds that this is about
}

// And joins what was seen in two parts of a round; setup and teardown of scenarios lie in between.
func (a Interference) And(b Interference) Interference {
	all := max(a.Wall+b.Wall, 1e-9)
	b.Foreign = (a.Foreign*a.Wall + b.Foreign*b.Wall) / all
	b.Steal = (a.Steal*a.Wall + b.Steal*b.Wall) / all
	b.Load, b.Pressure, b.Wall = max(a.Load, b.Load), max(a.Pressure, b.Pressure), all
	b.Busy = b.Foreign+b.Steal > BusyAbove
	return b
}

const (
	// BusyAbove is how many CPUs others may keep busy before a round is marked.
	BusyAbove = 0.1
	// RetryAbove is how many before it is measured again.
	RetryAbove = 0.5
)

// Crowded says whether it is to be measured again.
func (a Interference) WorthRetrying() bool { return a.Foreign+a.Steal > RetryAbove }

// InForce is what the enforcers' own maps said of a scenario while it was measured.
type InForce struct {
	Programs map[string]int         `json:"programs"` // attached, by product; empty: none that lsmprof knows
	Policies map[string]rules.Rules `json:"rules"`    // of the workload, by product; a product without a policy for it is left out
}
