package rundir

import (
	"slices"
	"time"
)

// The orders in which scenarios are measured.
const (
	Interleaved = "interleaved"
	Sequential  = "sequential" // all rounds of one scenario, then those of the next: for comparison
)

// RoundsPerRun and SlicesPerRound divide the second that a run of a sliced test takes, so that every slice of a
// scenario is close in time to slices of the baseline.
const (
	RoundsPerRun   = 4
	SlicesPerRound = 5
)

// Plan says what a bench does. It is fixed when the run directory is made, and a resumed bench follows it.
type Plan struct {
	Order     string        `json:"order"`
	Seed      uint64        `json:"seed"`
	Runs      int           `json:"runs"`
	Slice     time.Duration `json:"slice_ns"`
	Warmup    time.Duration `json:"warmup_ns"` // before each slice, not counted
	Pass      time.Duration `json:"pass_ns"`   // duration of a whole pass
	Scenarios []Scenario    `json:"scenarios"` // the baseline first
	Tests     []Test        `json:"tests"`
	CPUs      []int         `json:"cpus"`                // that tests run on; empty: any
	CopyCPUs  []int         `json:"copy_cpus,omitempty"` // if several copies run at once, one for each in turn
	UnixBench string        `json:"unixbench,omitempty"` // its directory
	Container string        `json:"container,omitempty"` // that tests run in: its id, or NAMESPACE/POD[/CONTAINER]
	// RulesMap is the map that holds the rules of an enforcer that lsmprof does not know.
	RulesMap string `json:"rules_map,omitempty"`
	// NoProfile says that there are no profile runs, as with --profile off.
	NoProfile bool `json:"no_profile,omitempty"`
	// LSMs are the security modules that profile runs measure, and Hooks globs of the hooks, as in --lsm and
	// --hook. Nil: only BPF, and all hooks.
	LSMs  []string `json:"lsms,omitempty"`
	Hooks []string `json:"hooks,omitempty"`
	// UntilCI adds rounds until every interval is at most this share on both sides of the loss; 0: none are added.
	UntilCI float64       `json:"until_ci,omitempty"`
	MaxTime time.Duration `json:"max_time_ns,omitempty"` // after which UntilCI adds no round; 0: no limit
}

// Rounds returns the number of rounds of a test, without those that UntilCI adds.
func (p *Plan) Rounds(t Test) int {
	if t.Sliced() {
		return p.Runs * RoundsPerRun
	}
	return p.Runs
}

// CPUsOf returns the CPUs on which a copy of a test runs; nil: any.
func (p *Plan) CPUsOf(t Test) []int {
	if t.Copies < 2 || len(p.CopyCPUs) == 0 {
		return p.CPUs
	}
	n := t.Index % len(p.CopyCPUs)
	return p.CopyCPUs[n : n+1]
}

// Slices returns the number of slices, or passes, of each scenario in a round.
func (p *Plan) Slices(t Test) int {
	if t.Sliced() {
		return SlicesPerRound
	}
	return 1
}

// Baseline returns the index of the scenario that the others are compared with.
func (p *Plan) Baseline() int { return 0 }

// SecondBaseline returns the index of the hidden copy of the baseline, or -1 if the plan has none.
func (p *Plan) SecondBaseline() int {
	for i, s := range p.Scenarios {
		if s.SecondBaseline {
			return i
		}
	}
	return -1
}

// IsBaseline reports whether a scenario of this name is the baseline or its hidden copy.
func (p *Plan) IsBaseline(scenario string) bool {
	for i, s := range p.Scenarios {
		if s.Name == scenario {
			return i == p.Baseline() || s.SecondBaseline
		}
	}
	return false
}

// Imported reports whether all scores of the plan were measured elsewhere.
func (p *Plan) Imported() bool {
	return len(p.Tests) > 0 && !slices.ContainsFunc(p.Tests, func(t Test) bool { return t.Kind != Plain })
}
