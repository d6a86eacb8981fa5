package report

import (
	"strings"
	"testing"
)

func ref[T any](v T) *T { return &v }

// lost returns a report on one scenario with 8 rules of each type, in which each test lost what its cell says.
func lost(tests ...Test) *Report {
	r := &Report{Scenarios: []Scenario{
		{Name: "none", Baseline: true},
		{Name: "rules=8", Confined: true, ByType: map[string]int{"file": 8, "exec": 8, "ptrace": 1}},
	}}
	for _, t := range tests {
		t.Cells[0].Test, t.Cells[0].Scenario = t.Name, "rules=8"
		r.Tests = append(r.Tests, t)
	}
	return r
}

func program(name string, c Cell) Test {
	return Test{Name: name, Label: name, Group: GroupProgram, Exposed: c.Exposed, Cells: []Cell{c}}
}

// explained returns a significant loss that the hooks explain.
func explained(loss, by float64) Cell {
	left := loss - by
	return Cell{
		Loss: loss, CI: Interval{loss - 0.001, loss + 0.001}, Significant: true, Detectable: 0.002,
		Exposed: ref(true), Explained: &by, LeftOver: &left,
	}
}

func noise(loss, detectable float64) Cell {
	return Cell{Loss: loss, CI: Interval{loss - 0.01, loss + 0.01}, Detectable: detectable, Exposed: ref(false)}
}

func TestFirstSentence(t *testing.T) {
	unknown := explained(0.03, 0)
	unknown.Explained, unknown.LeftOver, unknown.Exposed = nil, nil, nil
	control := explained(0.03, 0)
	control.Exposed = ref(false)
	call := program("opens", explained(0.5, 0.5))
	call.Group = GroupCall
	once := noise(0.01, 0)
	once.CI = Interval{-1, 1}
	few := noise(0.1, 0.9)
	few.Rounds = 4
	for _, test := range []struct {
		name string
		r    *Report
		want string
	}{
		{
			"all of it",
			lost(program("a", explained(0.02, 0.0201)), program("b", explained(0.01, 0.01)), call),
			"a runs 2.0 % slower with 8 rules of each type (95 % interval 1.9 to 2.1); all of it is " +
				"spent in the " +
				"enforcer's hooks.",
		},
		{
			"a part", lost(program("a", explained(0.02, 0.012))),
			"a runs 2.0 % slower with 8 rules of each type (95 % interval 1.9 to 2.1); the enforcer's " +
				"hooks explain " +
				"1.2 points of it, and 0.80 points are left over.",
		},
		{
			"not profiled", lost(program("a", unknown)),
			"a runs 3.0 % slower with 8 rules of each type (95 % interval 2.9 to 3.1); without a profile " +
				"run its " +
				"cause is unknown.",
		},
		{
			"control", lost(program("a", control)),
			"a runs 3.0 % slower with 8 rules of each type (95 % interval 2.9 to 3.1); no program of the " +
				"enforcer " +
				"runs in it, so its hooks are not the cause.",
		},
		{
			"nothing", lost(program("a", noise(0.001, 0.003)), program("b", noise(0.001, 0.02)), call),
			"No program gets slower with 8 rules of each type, as far as this run can tell: a loss of " +
				"0.30 % to " +
				"2.0 %, depending on the test, would have shown.",
		},
		{
			"noisy", lost(program("a", noise(0.1, 0.9))),
			"No loss can be told from noise: this machine is too noisy for any. Quieten it and measure " +
				"again.",
		},
		{
			"few rounds", lost(program("a", few)),
			"No loss can be told from noise: a cell has 4 rounds, and among 1 cell it takes 6. " +
				"Measure more runs.",
		},
		{"one round", lost(program("a", once)), "No loss can be told from noise: each cell has one round."},
		{
			"single calls", lost(call),
			"The run has single calls only, which lose more than any program. opens runs 50.0 % slower " +
				"with 8 rules " +
				"of each type (95 % interval 49.9 to 50.1); all of it is spent in the enforcer's " +
				"hooks.",
		},
	} {
		if got := test.r.summary(); got[0] != test.want || len(got) != 5 {
			t.Errorf("%s: %d sentences, the first\n%s\nwant\n%s", test.name, len(got), got[0], test.want)
		}
	}
}

func TestSentencesAboutRules(t *testing.T) {
	line := func(intercept float64, bent bool) *Report {
		r := lost(program("a", explained(0.02, 0.02)))
		r.Hooks = []HookRow{{
			Test: "a", Scenario: "rules=8", Syscall: "openat", Hook: "file_open", Rules: 0, Mean: 300,
			Calls: 1,
		}}
		r.PerRule = []PerRule{{
			Test: "a", Syscall: "openat", Hook: "file_open", Loss: ref(0.001),
			Line: Line{Intercept: intercept, Slope: 200, SlopeCI: Interval{190, 210}, Bent: bent},
		}}
		return r
	}
	for want, r := range map[string]*Report{
		"The first rule is the expensive one: it adds 2.10 µs to each openat (hook file_open); each further " +
			"rule adds 200 ns (190.0 to 210.0).": line(2200, false),
		"Each rule adds 200 ns (190.0 to 210.0) to each openat (hook file_open), the first as much as any " +
			"other; the cost " +
			"does not grow in a straight line, so this is approximate.": line(300, true),
		"What a rule costs is unknown: that takes profile runs with three different numbers of rules.": lost(
			program("a", explained(0.02, 0.02))),
	} {
		if got := r.summary()[3]; got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func TestSentencesAboutWhatIsFree(t *testing.T) {
	quiet := noise(0.001, 0.003)
	quiet.Exposed = ref(true)
	r := lost(program("a", noise(-0.002, 0.003)), program("b", noise(0.001, 0.003)), program("c", quiet))
	want := "Free: a and b. No program of the enforcer runs there, so their apparent losses and gains, at most " +
		"0.20 %, show how far off this run can be. Losses that may be noise: c (0.10 %)."
	if got := r.summary()[1]; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := lost(program("a", explained(0.1, 0.1))).summary()[1]; !strings.HasPrefix(got, "Free: nothing") {
		t.Error(got)
	}
}

// How far off a run can be is said by all scenarios of the tests in which no program of the enforcer runs.
func TestLargestApparentLoss(t *testing.T) {
	control := program("a", noise(-0.002, 0.003))
	other := noise(0.067, 0.003)
	other.Scenario = "rules=1"
	control.Cells = append(control.Cells, other)
	if got := lost(control).summary()[1]; !strings.Contains(got, "at most 6.7 %") {
		t.Error(got)
	}
}

// A loss that may be noise is no ceiling.
func TestPriceOfOneCall(t *testing.T) {
	for _, significant := range []bool{true, false} {
		c := explained(0.071, 0.07)
		c.Test, c.Significant = "opens", significant
		call := program("opens", c)
		call.Group = GroupCall
		r := lost(call)
		r.Hooks = []HookRow{{Test: "opens", Scenario: r.heaviest(), Hook: "file_open", HookNs: 7170, Calls: 1}}
		got := r.summary()[2]
		if !strings.Contains(got, "opens 7.17 µs") || strings.Contains(got, "loses 7.1 %") != significant {
			t.Errorf("significant: %v: %s", significant, got)
		}
	}
}

func TestRulesOfEachType(t *testing.T) {
	for _, test := range []struct {
		types map[string]int
		want  int
	}{
		{nil, 0},
		{map[string]int{"file": 8}, 0},
		{map[string]int{"file": 8, "net": 8}, 8},
		{map[string]int{"file": 8, "net": 8, "ptrace": 1}, 8},
		{map[string]int{"file": 8, "net": 7}, 0},
		{map[string]int{"file": 1, "net": 1, "ptrace": 1}, 1},
	} {
		if got := (&Scenario{ByType: test.types}).ofEachType(); got != test.want {
			t.Errorf("%v: %d of each type, want %d", test.types, got, test.want)
		}
	}
}

func TestWordsForCopies(t *testing.T) {
	w := known["execl"]
	if got := w.times(1); got != w {
		t.Errorf("one copy: %+v", got)
	}
	if got := w.times(4); got.slower != "With 4 copies at once programs start" ||
		got.noun != "starting a program in 4 copies" {
		t.Errorf("%+v", got)
	}
}
