package rundir

import (
	"cmp"
	"fmt"
	"strings"
)

// Kind says where a test comes from.
type Kind string

const (
	BuiltIn Kind = "built-in"  // part of the suite in this binary: sliced
	Real    Kind = "unixbench" // a program of byte-unixbench: whole passes
	Command Kind = "command"   // any command: whole passes
	Plain   Kind = "imported"  // from a plain ./Run of UnixBench: measured elsewhere
)

// Test is a test that runs under every scenario.
type Test struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Unit  string `json:"unit"` // of scores
	Kind  Kind   `json:"kind"`
	// PerRate is the score at one operation per second; 0 means 1.
	PerRate float64 `json:"score_per_rate,omitempty"`
	// Baseline is UnixBench's: the score that is index 10. 0: the test has no index.
	Baseline float64 `json:"index_baseline,omitempty"`
	// Hooks are those that the test is known to reach.
	Hooks []string `json:"hooks,omitempty"`
	// Run is a shell command, and Metric says what to read from its output. Only tests of Kind Command have them.
	Run    string `json:"run,omitempty"`
	Metric string `json:"metric,omitempty"` // regular expression with one group; empty: its duration
	Better string `json:"better,omitempty"` // higher or lower
	// Copies is the number of copies that run at once, like UnixBench's -c; 0 means 1.
	Copies int `json:"copies,omitempty"`
	Index  int `json:"-"` // of a worker among the copies
}

// WithCopies returns the test with n copies at once, under another name.
func (t Test) WithCopies(n int) Test {
	if n > 1 {
		t.Name, t.Label, t.Copies = fmt.Sprintf("%s-x%d", t.Name, n), fmt.Sprintf("%s, %d copies", t.Label, n),
			n
	}
	return t
}

// Base returns the name of the test with one copy.
func (t Test) Base() string {
	if t.Copies < 2 {
		return t.Name
	}
	return strings.TrimSuffix(t.Name, fmt.Sprintf("-x%d", t.Copies))
}

// Sliced reports whether the test can run for a few milliseconds at a time.
func (t Test) Sliced() bool { return t.Kind == BuiltIn }

// Score converts a rate, in operations per second, to the test's own unit.
func (t Test) Score(rate float64) float64 {
	if t.Better == Lower {
		return 1 / rate
	}
	return rate * cmp.Or(t.PerRate, 1)
}

// The values of Test.Better: whether a higher or a lower figure of a command is better.
const (
	Higher = "higher"
	Lower  = "lower"
)
