package report

import (
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
)

// Schema is the version of report.json. It changes when a field is removed or changes its meaning. docs/report.md
// describes the fields.
const Schema = "lsmprof/report/v2"

// Report holds the figures of a run. WriteJSON writes it as report.json. The zero value is an empty report.
type Report struct {
	Schema    string     `json:"schema"`
	Title     string     `json:"title"`
	Answer    []string   `json:"answer"` // sentences
	Baseline  string     `json:"baseline"`
	Scenarios []Scenario `json:"scenarios"` // without the second baseline
	Tests     []Test     `json:"tests"`
	Index     []Index    `json:"index"` // UnixBench's
	Hooks     []HookRow  `json:"hooks"`
	PerRule   []PerRule  `json:"cost_per_rule"`
	// SideBySide compares enforcers; nil if the scenarios name no two.
	SideBySide []SideBySide `json:"enforcers_side_by_side,omitempty"`
	How        How          `json:"how"`
	Warnings   []string     `json:"warnings"`
	Comparison *Comparison  `json:"comparison,omitempty"` // nil unless Compare made the report

	run, oldRun *rundir.Run    // oldRun: of a comparison
	noise       []rundir.Noise // of the second baselines
	flames      flameCache
}

// Interval is a 95 % confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// half returns half the width.
func (i Interval) half() float64 { return (i.High - i.Low) / 2 }

func (i Interval) contains(x float64) bool { return i.Low <= x && x <= i.High }

// known reports whether the interval was computed. With a single round it was not, and reaches from -1 to 1.
func (i Interval) known() bool { return i.half() < 1 }

// Scenario is a state of the enforcer under which the tests ran. It is a column of the tables.
type Scenario struct {
	Name     string `json:"name"`
	Baseline bool   `json:"baseline"`
	Confined bool   `json:"confined"` // whether the tests had a policy
	Rules    int    `json:"rules"`    // of all types together
	// ByType has the numbers of rules by type: file, exec, net, mount, cap, ptrace. Types without rules are left
	// out.
	ByType    map[string]int `json:"rules_by_type"`
	Enforcers []Enforcer     `json:"enforcers,omitempty"` // found in force; empty: none, or not recorded

	removed bool // the reference enforcer is not installed
}

// ofEachType returns the number of rules that the scenario has of every type, or 0 if the types differ. There is never
// more than one ptrace rule.
func (s *Scenario) ofEachType() int {
	most, types := 0, 0
	for _, n := range s.ByType {
		most = max(most, n)
	}
	for kind, n := range s.ByType {
		if n == most || kind == "ptrace" && n == 1 {
			types++
		}
	}
	if types < 2 || types < len(s.ByType) {
		return 0
	}
	return most
}

// Enforcer is a product that had programs attached while a scenario was measured.
type Enforcer struct {
	Product  string `json:"product"`
	Version  string `json:"version,omitempty"` // empty: unknown
	Programs int    `json:"programs"`          // attached BPF programs
}

// Test holds the results of one test under all scenarios.
type Test struct {
	Name    string    `json:"name"`
	Label   string    `json:"label"`
	Unit    string    `json:"unit"` // of scores
	Kind    string    `json:"kind"`
	Group   string    `json:"group"`   // GroupProgram or GroupCall
	Exposed *bool     `json:"exposed"` // whether any program of the enforcer runs in the test; null: not profiled
	Noise   *Interval `json:"noise"`   // apparent loss of the second baseline; null: the run had none
	Cells   []Cell    `json:"cells"`   // in the order of scenarios; scenarios without a round are left out
}

// Cell compares one test under one scenario with the baseline.
type Cell struct {
	Test     string  `json:"test"`
	Scenario string  `json:"scenario"`
	Rounds   int     `json:"rounds"`
	Score    float64 `json:"score"` // mean over the rounds
	Unit     string  `json:"unit"`
	CV       float64 `json:"cv"` // coefficient of variation of the score over the rounds
	// Loss is the median over the rounds of the loss within a round. MeanLoss compares the mean scores instead, as
	// UnixBench does.
	Loss     float64  `json:"loss"`
	MeanLoss float64  `json:"loss_of_means"`
	CI       Interval `json:"ci"` // of Loss; from -1 to 1 if there is only one round
	P        float64  `json:"p"`
	Adjusted float64  `json:"p_holm"` // P, corrected for the number of cells
	// Significant: Adjusted is below 0.05, and the loss is outside what the second baseline shows.
	Significant bool    `json:"significant"`
	Detectable  float64 `json:"detectable"`    // the smallest loss that these rounds show in four of five benches
	RoundsFor   int     `json:"rounds_for_05"` // rounds needed to detect a loss of 0.5 %
	Busy        int     `json:"busy_rounds"`   // rounds during which other processes kept CPUs busy

	Exposed   *bool    `json:"exposed"`   // null: not profiled
	Explained *float64 `json:"explained"` // the loss that the hooks account for
	LeftOver  *float64 `json:"left_over"` // Loss minus Explained, in points of the baseline

	Baseline bool       `json:"baseline"`
	Median   float64    `json:"median"`              // score
	Percent  float64    `json:"percent_of_baseline"` // 1 - Loss
	Index    *float64   `json:"index"`               // UnixBench's; null: the test has none
	Hooks    []HookLoss `json:"explained_by_hook"`   // the largest first
}

// HookLoss is the part of an explained loss that one hook causes. The parts of a cell add up to Cell.Explained.
type HookLoss struct {
	Hook string  `json:"hook"`
	Loss float64 `json:"loss"`
}

// HookRow is the cost of one program on one hook in one syscall of a test.
type HookRow struct {
	Test     string  `json:"test"`
	Scenario string  `json:"scenario"`
	Syscall  string  `json:"syscall"`
	Hook     string  `json:"hook"`
	Program  string  `json:"program"`      // empty: the programs of the hook cannot be told apart
	Rules    int     `json:"rules"`        // in force; -1: unknown
	Calls    float64 `json:"calls_per_op"` // hook calls in one operation of the test
	HookNs   float64 `json:"hook_ns_per_op"`
	Mean     float64 `json:"mean_ns"` // of a call
	// Typical is the mean of the calls that were not interrupted, and Err its standard error. In runs of older
	// versions Typical is 0 and Err is that of Mean.
	Typical float64 `json:"typical_ns,omitempty"`
	Err     float64 `json:"mean_err_ns"`
	P50     float64 `json:"p50_ns"` // of a call; 0 in runs of older versions
	P99     float64 `json:"p99_ns"`
	Denials uint64  `json:"denials"`
	// Share is HookNs divided by the time of one operation under the scenario. The shares of a cell add up to its
	// explained loss. Null: unknown.
	Share *float64 `json:"share_of_operation"`
	// SyscallNs is the duration of one call of the syscall, from a run without hook probes, and SyscallShare the
	// part of it that the hook takes. Null: not measured.
	SyscallNs    *float64 `json:"syscall_ns"`
	SyscallShare *float64 `json:"share_of_syscall"`

	operation float64 // ns per operation under the scenario
	allHooks  float64 // ns of all hooks per operation
	syscall   float64 // ns of the syscall per operation
}

// PerRule is the cost that each further rule adds to a call of a hook.
type PerRule struct {
	Test    string  `json:"test"`
	Syscall string  `json:"syscall"`
	Hook    string  `json:"hook"`
	Program string  `json:"program"`
	Line    Line    `json:"line"`   // hook cost in ns over the number of rules
	Points  []Point `json:"points"` // measured
	// At lacks numbers of rules for which the slope is too uncertain.
	At []Extrapolated `json:"extrapolated"`
	// Loss is the loss that one rule more than the most that was measured adds, in points of the baseline: 0.018
	// turns a loss of 56.0 % into one of 57.8 %. Null: unknown.
	Loss *float64 `json:"loss_of_one_more"`

	most   int     // rules where Loss begins
	before float64 // explained loss there
}

// Line is a fitted line.
type Line struct {
	Intercept float64  `json:"intercept"` // ns
	Slope     float64  `json:"slope"`     // ns per rule
	SlopeCI   Interval `json:"slope_ci"`
	R2        float64  `json:"r2"`
	// Bent: a point is farther from the line than its error allows and by more than 3 % of its value.
	Bent bool `json:"bent"`
}

// Point is the mean cost of an uninterrupted call, in ns (Y), at a number of rules (X).
type Point struct {
	X   float64 `json:"x"`
	Y   float64 `json:"y"`
	Err float64 `json:"err"` // standard error, in ns
}

// Extrapolated is what a fitted line says about a number of rules that was not measured.
type Extrapolated struct {
	Rules int     `json:"rules"`
	Ns    float64 `json:"ns"` // of a call
}

// Index is UnixBench's index of one scenario. The rounds are the passes, of which UnixBench drops the lowest third.
type Index struct {
	Scenario string             `json:"scenario"`
	Copies   int                `json:"copies"` // that ran at once
	Scores   map[string]float64 `json:"scores"` // by test
	PerTest  map[string]float64 `json:"tests"`  // index by test
	System   float64            `json:"system"` // geometric mean of PerTest
	Partial  bool               `json:"partial"`
}

// How describes how and where the figures were measured.
type How struct {
	Version     string               `json:"lsmprof_version"`
	Start       time.Time            `json:"start"`
	Machine     Machine              `json:"machine"`
	Enforcer    string               `json:"enforcer"`
	Product     string               `json:"enforcer_version"`
	Suite       string               `json:"suite"`
	Order       string               `json:"order"`
	Seed        uint64               `json:"seed"`
	Runs        int                  `json:"runs"`
	RoundsMin   int                  `json:"rounds_min"` // of a cell
	RoundsMax   int                  `json:"rounds_max"`
	SliceNs     int64                `json:"slice_ns"`
	WarmupNs    int64                `json:"warmup_ns"` // before each slice, not counted
	PassNs      int64                `json:"pass_ns"`
	Container   string               `json:"container,omitempty"`
	Calibration *profile.Calibration `json:"calibration"` // null: not calibrated
	// the lowest of an exposed cell; null: not profiled
	Completeness *float64   `json:"completeness_percent"`
	Imported     bool       `json:"imported"` // the scores were measured elsewhere
	Commands     [][]string `json:"command_lines"`
}

// Machine describes the machine that a run measured.
type Machine struct {
	Host        string   `json:"host,omitempty"`
	Kernel      string   `json:"kernel"`
	Build       string   `json:"kernel_build"`
	Arch        string   `json:"arch"`
	CPU         string   `json:"cpu"`
	CPUs        int      `json:"cpus"`
	Preemption  string   `json:"preemption"`
	Mitigations []string `json:"mitigations"`
	LSMs        []string `json:"lsms"`
	ClockSource string   `json:"clock_source"`
	// empty: the kernel does not scale frequencies, as in most virtual machines
	Governor    string `json:"governor"`
	Hypervisor  bool   `json:"hypervisor"`
	Emulated    bool   `json:"emulated"` // by QEMU without hardware virtualization: times are the emulator's
	CommandLine string `json:"kernel_command_line"`
}

// Comparison is what changed from an older run to the run of the report.
type Comparison struct {
	Old     How      `json:"old"`
	Differs []string `json:"differs"`  // differences between the runs other than the enforcer
	Deltas  []Delta  `json:"deltas"`   // of cells that both runs have
	LeftOut []string `json:"left_out"` // tests and scenarios that only one of the runs has
	// Spread is the standard deviation by which a measurement differs from run to run without any cause, in points
	// of the baseline, as the second baselines of both runs show it. It is part of every interval.
	Spread float64 `json:"run_spread"`

	same bool // both are the same run
}

// Delta is the change of one cell. Each loss is against the baseline of its own run, so that a faster machine alone
// changes nothing.
type Delta struct {
	Test     string   `json:"test"`
	Label    string   `json:"label"`
	Scenario string   `json:"scenario"`
	Old      float64  `json:"old_loss"`
	OldCI    Interval `json:"old_ci"`
	New      float64  `json:"new_loss"`
	NewCI    Interval `json:"new_ci"`
	Delta    float64  `json:"delta"` // New - Old, in points of the baseline; above 0: worse
	CI       Interval `json:"ci"`    // of Delta
	P        float64  `json:"p"`
	Adjusted float64  `json:"p_holm"`
	// Significant: Adjusted is below 0.05 and CI does not contain 0.
	Significant bool    `json:"significant"`
	Score       float64 `json:"score_ratio"`     // new score / old score
	Explained   float64 `json:"explained_delta"` // change of what the hooks explain, in points of the baseline
}
