package bench

import "time"

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
	Discarded []string `json:"discarded,omitempty"`
	Around    Around   `json:"environment"`
}

// Rate is operations a second.
func (r *Result) Rate() float64 {
	if r.Ns == 0 {
		return 0
	}
	return r.Ops / r.Ns * 1e9
}

// Around is what else went on in the machine during a round.
type Around struct {
	Foreign  float64 `json:"foreign_cpus"` // CPUs that others kept busy
	Steal    float64 `json:"steal_cpus"`   // CPUs that the hypervisor took away
	Load     float64 `json:"load1"`
	Pressure float64 `json:"cpu_pressure_percent"` // PSI, some, average of 10 s
	Busy     bool    `json:"busy"`                 // others had more than Neighbour
	wall     float64 // seconds that this is about
}

// and joins what was seen in two parts of a round; setup and teardown of scenarios lie in between.
func (a Around) and(b Around) Around {
	all := max(a.wall+b.wall, 1e-9)
	b.Foreign = (a.Foreign*a.wall + b.Foreign*b.wall) / all
	b.Steal = (a.Steal*a.wall + b.Steal*b.wall) / all
	b.Load, b.Pressure, b.wall = max(a.Load, b.Load), max(a.Pressure, b.Pressure), all
	b.Busy = b.Foreign+b.Steal > Neighbour
	return b
}

const (
	// Neighbour is how many CPUs others may keep busy before a round is marked.
	Neighbour = 0.1
	// Crowd is how many before it is measured again.
	Crowd = 0.5
)

func (a Around) crowded() bool { return a.Foreign+a.Steal > Crowd }
