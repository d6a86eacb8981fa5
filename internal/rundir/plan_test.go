package rundir

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

func testPlan() Plan {
	return Plan{
		Order: Interleaved, Seed: 42, Runs: 2, Slice: 10 * time.Millisecond,
		Scenarios: ReferenceScenarios([]rules.Rules{{File: 1}, {File: 8}}, []string{"1", "8"}),
		Tests: []Test{
			{Name: "a", Kind: BuiltIn},
			{Name: "b", Kind: BuiltIn},
			{Name: "slow", Kind: Command},
		},
	}
}

func TestRoundsFollowFromTheSeed(t *testing.T) {
	p := testPlan()
	deal := func(n int) ([]Phase, []int, []Turn) {
		r := p.Round(0, n)
		var turns []Turn
		for _, phase := range r.Phases {
			turns = append(turns, r.Turns(&p, p.Batches()[0], phase)...)
		}
		return r.Phases, r.Slots, turns
	}
	phases, slots, turns := deal(3)
	again, slotsAgain, turnsAgain := deal(3)
	if !reflect.DeepEqual(phases, again) || !reflect.DeepEqual(slots, slotsAgain) ||
		!reflect.DeepEqual(turns, turnsAgain) {
		t.Error("the same round was dealt differently")
	}
	if _, _, other := deal(4); reflect.DeepEqual(turns, other) {
		t.Error("two rounds have the same order")
	}
	p.Seed++
	if _, _, other := deal(3); reflect.DeepEqual(turns, other) {
		t.Error("two seeds give the same order")
	}
}

func TestEveryRoundHasEveryCellEquallyOften(t *testing.T) {
	p := testPlan()
	for _, batch := range p.Batches() {
		for n := range 20 {
			r := p.Round(0, n)
			counts, repeats := map[Turn]int{}, 0
			for i, phase := range r.Phases {
				if i > 0 && r.Phases[i-1].State == phase.State {
					t.Errorf("round %d: two phases in a row are %q", n, phase.State)
				}
				turns := r.Turns(&p, batch, phase)
				for j, turn := range turns {
					if batch[turn.Test].Sliced() && !turn.Lead &&
						(j == 0 || turns[j-1].Test != turn.Test) {
						t.Errorf("round %d: a slice of %s that counts follows one of "+
							"another test", n, batch[turn.Test].Name)
					}
					if got := p.Scenarios[turn.Scenario].State; got != phase.State {
						t.Errorf("%s is measured while the enforcer is %s",
							p.Scenarios[turn.Scenario].Name, phase.State)
					}
					if j > 0 && turns[j-1].Slot == turn.Slot && len(phase.Scenarios) == 1 &&
						turns[j-1].Test == turn.Test {
						repeats++
					}
					if phase.State != Removed && turn.Slot != r.Slots[turn.Scenario] {
						t.Errorf("%s is measured with copy %d, not its own %d",
							p.Scenarios[turn.Scenario].Name, turn.Slot,
							r.Slots[turn.Scenario])
					}
					if turn.Lead {
						continue
					}
					counts[Turn{Test: turn.Test, Scenario: turn.Scenario}]++
				}
			}
			if repeats > 2 { // from one deal of the copies to the next
				t.Errorf("round %d: a copy runs twice in a row %d times", n, repeats)
			}
			for i := range batch {
				for s := range p.Scenarios {
					if got := counts[Turn{Test: i, Scenario: s}]; got != p.Slices(batch[i]) {
						t.Errorf("round %d: %s has %d slices under %s, want %d", n,
							batch[i].Name, got, p.Scenarios[s].Name, p.Slices(batch[i]))
					}
				}
			}
		}
	}
}

// The two baselines stand on both sides of the others. Each comes first in one round of every pair, and in either one
// at random.
func TestTheBaselinesAreOnBothSides(t *testing.T) {
	p := testPlan()
	even := 0 // rounds with an even number in which the baseline is first
	for n := 0; n < 200; n += 2 {
		first := map[int]bool{}
		for _, n := range []int{n, n + 1} {
			phases := p.Round(0, n).Phases
			a, b := phases[0].Scenarios, phases[len(phases)-1].Scenarios
			if len(phases) != 3 || len(a) != 1 || len(b) != 1 ||
				a[0]+b[0] != p.Baseline()+p.SecondBaseline() {
				t.Fatalf("round %d: %v", n, phases)
			}
			first[a[0]] = true
			if n%2 == 0 && a[0] == p.Baseline() {
				even++
			}
		}
		if len(first) != 2 {
			t.Errorf("rounds %d and %d begin with the same baseline", n, n+1)
		}
	}
	if even < 30 || even > 70 {
		t.Errorf("the baseline is first in %d of 100 even rounds", even)
	}
}

// A test runs for a while in a phase before its slices count, however short they are.
func TestTheFirstSlicesOfAPhaseDoNotCount(t *testing.T) {
	for _, c := range []struct {
		slice, warmup time.Duration
		want          int // slices
	}{
		{50 * time.Millisecond, 12 * time.Millisecond, 1},
		{12 * time.Millisecond, 12 * time.Millisecond, 1},
		{8 * time.Millisecond, 2 * time.Millisecond, 3},
		{4 * time.Millisecond, time.Millisecond, 5},
		{time.Millisecond, 0, 24},
	} {
		p := testPlan()
		p.Slice, p.Warmup = c.slice, c.warmup
		batch := p.Batches()[0]
		r := p.Round(0, 0)
		for _, phase := range r.Phases {
			leads, counted := map[int]int{}, map[int]bool{}
			for _, turn := range r.Turns(&p, batch, phase) {
				if !turn.Lead {
					counted[turn.Test] = true
					continue
				}
				if leads[turn.Test]++; counted[turn.Test] {
					t.Errorf("slices of %s: one of %s does not count behind one that does", c.slice,
						batch[turn.Test].Name)
				}
			}
			for test, n := range leads {
				if n != c.want {
					t.Errorf("slices of %s behind %s: %d of %s do not count, want %d", c.slice,
						c.warmup, n, batch[test].Name, c.want)
				}
			}
			if len(leads) != len(batch) {
				t.Errorf("slices of %s: %d tests lead, want %d", c.slice, len(leads), len(batch))
			}
		}
	}
}

// The baseline gets every copy of a test in turn.
func TestSlotsAreDealtAnew(t *testing.T) {
	p := testPlan()
	seen := map[int]bool{}
	for n := range 100 {
		seen[p.Round(0, n).Slots[0]] = true
	}
	if len(seen) != len(p.Scenarios) {
		t.Errorf("the baseline had %d of %d copies", len(seen), len(p.Scenarios))
	}
}

func TestPlanCheck(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*Plan)
		want  string
	}{
		"no runs":            {func(p *Plan) { p.Runs = 0 }, "0 runs: must be from 1 to 10000"},
		"absurd runs":        {func(p *Plan) { p.Runs = 1 << 40 }, "1099511627776 runs"},
		"a tiny slice":       {func(p *Plan) { p.Slice = time.Microsecond }, "slices of 1µs"},
		"a negative warm-up": {func(p *Plan) { p.Warmup = -1 }, "a warm-up of -1ns"},
		"an endless warm-up": {func(p *Plan) { p.Warmup = time.Hour }, "a warm-up of 1h0m0s"},
		"a negative pass":    {func(p *Plan) { p.Pass = -1 }, "passes of -1ns"},
		"a negative limit":   {func(p *Plan) { p.MaxTime = -1 }, "at most -1ns"},
		"no number":          {func(p *Plan) { p.UntilCI = math.NaN() }, "intervals within NaN"},
		"no tests":           {func(p *Plan) { p.Tests = nil }, "no test to run"},
		"no scenarios":       {func(p *Plan) { p.Scenarios = nil }, "no scenario to run"},
		"a test twice": {
			func(p *Plan) { p.Tests = append(p.Tests, p.Tests[0]) },
			"test a occurs twice",
		},
		"a scenario twice": {
			func(p *Plan) { p.Scenarios = append(p.Scenarios, p.Scenarios[1]) },
			"scenario no-policy occurs twice",
		},
		"absurd copies": {func(p *Plan) { p.Tests[0].Copies = 1 << 30 }, "1073741824 copies of test a"},
		"no name":       {func(p *Plan) { p.Tests[0].Name = " " }, "test: an empty name"},
		"no UTF-8":      {func(p *Plan) { p.Tests[0].Name = "\xff" }, `name "\xff" is not UTF-8`},
		"escapes of a terminal": {
			func(p *Plan) { p.Scenarios[1].Name = "\x1b[2J" },
			`scenario: name "\x1b[2J" has control characters`,
		},
	} {
		p := testPlan()
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		test.spoil(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// A name that is fit for a file stays as it is. No two names become the same.
func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"rules=8": "rules=8", "open_close-2.1": "open_close-2.1", "基线": "基线", "naïve": "naïve",
		"a b": "a-b~", "a/b": "a-b~", "..": "~", ".lock": "lock~", "": "~", "a~b": "a-b~", "x\xff": "x-~",
	} {
		got := FileName(name)
		if hashed := strings.HasSuffix(want, "~"); hashed && len(got) == len(want)+10 {
			got = got[:len(want)]
		}
		if got != want {
			t.Errorf("%q becomes %q, want %q", name, FileName(name), want)
		}
	}
	if long := FileName(strings.Repeat("é", 300)); len(long) > 100 || !utf8.ValidString(long) {
		t.Errorf("a long name becomes %q", long)
	}
}

// Two rounds without any noise cannot show a loss, and the analysis is still valid JSON.
func TestAnalysisOfTwoEqualRounds(t *testing.T) {
	p := Plan{
		Order: Interleaved, Runs: 2, Scenarios: SameScenarios(2),
		Tests: []Test{{Name: "x", Kind: Command, Better: Higher}},
	}
	var results []Result
	for n := range p.Runs {
		for _, s := range p.Scenarios {
			results = append(results, Result{Test: "x", Scenario: s.Name, Round: n, Ops: 42, Ns: 1e9})
		}
	}
	a := Analyze(&p, results, nil)
	if _, err := json.Marshal(a); err != nil {
		t.Error(err)
	}
	if c := a.Cells[1]; c.Detectable != 1 || c.Significant {
		t.Errorf("detectable %g, significant %t", c.Detectable, c.Significant)
	}
}
