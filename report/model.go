package report

import (
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
	"github.com/lsmprof/lsmprof/profile"
)

// Schema is the version of report.json. It changes when a field goes or changes its meaning. docs/report.md describes the fields.
const Schema = "lsmprof/report/v1"

// Report is report.json, and all that the other formats show. Losses and shares are fractions: 0.02 is 2 %. Times are nanoseconds.
type Report struct {
	Schema    string         `json:"schema"`
	Title     string         `json:"title"`
	Answer    []string       `json:"answer"` // sentences
	Baseline  string         `json:"baseline"`
	Scenarios []Scenario     `json:"scenarios"` // without the second baseline
	Tests     []Test         `json:"tests"`
	Index     []rundir.Index `json:"index"` // UnixBench's
	Hooks     []HookRow      `json:"hooks"`
	PerRule   []PerRule      `json:"cost_per_rule"`
	How       How            `json:"how"`
	Warnings  []string       `json:"warnings"`
	Compared  *Comparison    `json:"comparison,omitempty"`

	rounds []rundir.Result
	flames *flames
	heat   *heat
}

// Scenario is a column of the tables.
type Scenario struct {
	Name     string `json:"name"`
	Baseline bool   `json:"baseline"`
	Confined bool   `json:"confined"`
	Rules    int    `json:"rules"` // of all kinds
}

// Test is a test under all scenarios.
type Test struct {
	Name    string          `json:"name"`
	Label   string          `json:"label"`
	Unit    string          `json:"unit"`
	Kind    string          `json:"kind"`
	Exposed *bool           `json:"exposed"` // whether any program of the enforcer runs in it; null: not profiled
	Noise   *stats.Interval `json:"noise"`   // loss of a second, identical baseline; null: there was none
	Cells   []Cell          `json:"cells"`   // in the order of scenarios, those that have rounds
}

// Cell is a test under a scenario, compared with the baseline.
type Cell struct {
	rundir.Cell
	Baseline bool       `json:"baseline"`
	Median   float64    `json:"median"`              // score
	Percent  float64    `json:"percent_of_baseline"` // of means, as the seed has it
	Index    *float64   `json:"index"`               // UnixBench's; null: the test has none
	Hooks    []HookLoss `json:"explained_by_hook"`
}

// HookLoss is a hook's part of an explained loss. The parts add up to it.
type HookLoss struct {
	Hook string  `json:"hook"`
	Loss float64 `json:"loss"`
}

// HookRow is what the programs of a hook cost in one syscall of a test.
type HookRow struct {
	Test     string `json:"test"`
	Scenario string `json:"scenario"`
	rundir.ExplainedRow
	// Share of the time that an operation of the test takes under the scenario: the baseline's, and its hooks. All shares of a cell add up
	// to its explained loss. Null: not known.
	Share *float64 `json:"share_of_operation"`
	// SyscallNs is what a call of the syscall takes, from a run of its own, and SyscallShare the hook's part in that. Null: not measured.
	SyscallNs    *float64 `json:"syscall_ns"`
	SyscallShare *float64 `json:"share_of_syscall"`

	operation float64 // the time that Share is of
	syscall   float64 // and SyscallShare, in an operation
}

// PerRule is what a rule adds to a call.
type PerRule struct {
	rundir.RuleCost
	At []Extrapolated `json:"extrapolated"`
	// Loss is what one rule more than the most that was measured takes from the score there, by the slope; null: not known.
	Loss *float64 `json:"loss_of_one_more"`
}

// Extrapolated is what the line says of a number of rules that was not measured.
type Extrapolated struct {
	Rules int     `json:"rules"`
	Ns    float64 `json:"ns"`
}

// How says where the numbers come from.
type How struct {
	Version      string               `json:"lsmprof_version"`
	Start        time.Time            `json:"start"`
	Machine      rundir.Machine       `json:"machine"`
	Enforcer     string               `json:"enforcer"`
	Product      string               `json:"enforcer_version"`
	Suite        string               `json:"suite"`
	Order        string               `json:"order"`
	Seed         uint64               `json:"seed"`
	Runs         int                  `json:"runs"`
	RoundsMin    int                  `json:"rounds_min"` // of a cell
	RoundsMax    int                  `json:"rounds_max"`
	SliceNs      int64                `json:"slice_ns"`
	WarmupNs     int64                `json:"warmup_ns"` // of each slice, not counted
	PassNs       int64                `json:"pass_ns"`
	Container    string               `json:"container,omitempty"`
	Calibration  *profile.Calibration `json:"calibration"`          // null: not calibrated
	Completeness *float64             `json:"completeness_percent"` // the lowest of an exposed cell; null: none was profiled
	Imported     bool                 `json:"imported"`
	Commands     [][]string           `json:"command_lines"`
}
