package rundir

import (
	"cmp"
	"fmt"
	"strings"
)

// Kind is where a test comes from.
type Kind string

const (
	BuiltIn Kind = "built-in"  // of the suite in this binary: sliced
	Real    Kind = "unixbench" // a program of byte-unixbench: whole passes
	Command Kind = "command"   // any command: whole passes
	Plain   Kind = "imported"  // of a plain ./Run: nothing is run here
)

// Test is something to run under every scenario.
type Test struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Unit  string `json:"unit"` // of scores
	Kind  Kind   `json:"kind"`
	// PerRate is the score at one operation a second; 0: 1.
	PerRate float64 `json:"score_per_rate,omitempty"`
	// Baseline is UnixBench's: the score at which the index is 10. 0: the test has no index.
	Baseline float64 `json:"index_baseline,omitempty"`
	// Hooks are those that the test is known to reach, for --dry-run.
	Hooks []string `json:"hooks,omitempty"`
	// Command and what to read from its output; of Kind Command only.
	Run    string `json:"run,omitempty"`
	Metric string `json:"metric,omitempty"` // regular expression with one group; empty: the time it takes
	Better string `json:"better,omitempty"` // higher or lower
	// Copies is how many of it run at once, as UnixBench's -c; 0: one.
	Copies int `json:"copies,omitempty"`
	Index  int `json:"-"` // which of them a worker is
}

// WithCopies is the test n times at once, under another name.
func (t Test) WithCopies(n int) Test {
	if n > 1 {
		t.Name, t.Label, t.Copies = fmt.Sprintf("%s-x%d", t.Name, n), fmt.Sprintf("%s, %d copies", t.Label, n), n
	}
	return t
}

// Base is the name of one copy.
func (t Test) Base() string {
	if t.Copies < 2 {
		return t.Name
	}
	return strings.TrimSuffix(t.Name, fmt.Sprintf("-x%d", t.Copies))
}

// Sliced says whether the test can be let run for a few milliseconds at a time.
func (t Test) Sliced() bool { return t.Kind == BuiltIn }

// Score turns a rate, in operations a second, into the test's own unit.
func (t Test) Score(rate float64) float64 {
	if t.Better == Lower {
		return 1 / rate
	}
	return rate * cmp.Or(t.PerRate, 1)
}

// What is better: more of what a command reports, or less.
const (
	Higher = "higher"
	Lower  = "lower"
)
