package profile

import (
	"cmp"
	"slices"
	"time"
)

// EachRule is what each rule cost in a separate pass, with a pair of probes on the functions that look at one rule.
type EachRule struct {
	Duration    time.Duration
	Rerun       bool // the command ran again
	Calibration RuleCalibration
	Rows        []RuleRow
	// Untimed are the programs that walk rules which cannot be timed one by one.
	Untimed []UntimedRules
	Missed  uint64 // looks that the kernel kept from the probes; no row has them
	Lost    uint64 // looks for which the probes had no memory; no row has them
}

// RuleCalibration is what lsmprof measured of itself for the pass, in ns.
type RuleCalibration struct {
	Bias Median `json:"bias"` // what a pair reads of a function that does nothing
	// Step is what a walk costs for each rule besides the function: calling it and counting. No reading has it.
	Step Median `json:"step"`
	// HashLookup and ArrayLookup are what it costs to find a value by its index in a hash map, and in an array.
	HashLookup  Median `json:"hash_lookup"`
	ArrayLookup Median `json:"array_lookup"`
}

// RuleRow is what one rule cost one workload in one function of one program.
type RuleRow struct {
	Program  Program // of which only ID, Name, Hook and Enforcer are set
	Function string  // file_iter_cb
	Workload Workload
	Kind     string // of rules: file
	Rule     int    // index
	Text     string // deny /etc/shadow; "" if it is unknown
	// PastEnd is set if there is no rule with this index: the walk ended here because it had seen all rules.
	PastEnd bool
	// ShadowedBy is the index of a rule before this one that matches everything that this one does; -1: none is
	// known.
	ShadowedBy int
	Looks      uint64        // times that the rule was looked at
	Matches    uint64        // times that the walk ended here
	Timed      uint64        // looks that have a reading
	Sum        time.Duration // of the readings
	ByIndex    bool          // the rules are in a hash map that is looked up by index
}

// UntimedRules are rules of a program that cannot be timed one by one.
type UntimedRules struct {
	Program  Program
	Workload Workload
	Kind     string
	Rules    []string // their texts
	Reason   string   // why they have no times
}

// RuleCost is a row with its cost.
type RuleCost struct {
	RuleRow
	Mean  float64 // of one look, ns, with the step of the walk and without the bias
	Total float64 // of all looks, ns
}

// Costs returns the rows with their costs: sorted by workload, program, function and rule. Rows without any reading
// cost nothing but their steps.
func (e *EachRule) Costs() []RuleCost {
	out := make([]RuleCost, len(e.Rows))
	for i, r := range e.Rows {
		c := RuleCost{RuleRow: r}
		if r.Timed > 0 {
			c.Mean = max(0, float64(r.Sum)/float64(r.Timed)-e.Calibration.Bias.Value)
		}
		if r.Looks > 0 {
			c.Mean += e.Calibration.Step.Value
		}
		c.Total = c.Mean * float64(r.Looks)
		out[i] = c
	}
	slices.SortFunc(out, func(a, b RuleCost) int {
		return cmp.Or(
			cmp.Compare(a.Workload.Name(), b.Workload.Name()), cmp.Compare(a.Workload.MntNS,
				b.Workload.MntNS),
			cmp.Compare(a.Program.Name, b.Program.Name), cmp.Compare(a.Program.ID, b.Program.ID),
			cmp.Compare(a.Function, b.Function), cmp.Compare(a.Rule, b.Rule))
	})
	return out
}
