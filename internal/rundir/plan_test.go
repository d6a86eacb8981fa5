package rundir

import (
	"reflect"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

func testPlan() Plan {
	return Plan{
		Order: Interleaved, Seed: 42, Runs: 2, Slice: 10 * time.Millisecond,
		Scenarios: ReferenceScenarios([]rules.Rules{{File: 1}, {File: 8}}, []string{"1", "8"}),
		Tests:     []Test{{Name: "a", Kind: BuiltIn}, {Name: "b", Kind: BuiltIn}, {Name: "slow", Kind: Command}},
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
	if !reflect.DeepEqual(phases, again) || !reflect.DeepEqual(slots, slotsAgain) || !reflect.DeepEqual(turns, turnsAgain) {
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
					if batch[turn.Test].Sliced() && !turn.Lead && (j == 0 || turns[j-1].Test != turn.Test) {
						t.Errorf("round %d: a slice of %s comes behind one of another test", n, batch[turn.Test].Name)
					}
					if got := p.Scenarios[turn.Scenario].State; got != phase.State {
						t.Errorf("%s is measured while the enforcer is %s", p.Scenarios[turn.Scenario].Name, phase.State)
					}
					if j > 0 && turns[j-1].Slot == turn.Slot && len(phase.Scenarios) == 1 && turns[j-1].Test == turn.Test {
						repeats++
					}
					if phase.State != Removed && turn.Slot != r.Slots[turn.Scenario] {
						t.Errorf("%s is measured with copy %d, not its own %d", p.Scenarios[turn.Scenario].Name, turn.Slot, r.Slots[turn.Scenario])
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
						t.Errorf("round %d: %s has %d slices under %s, want %d", n, batch[i].Name, got, p.Scenarios[s].Name, p.Slices(batch[i]))
					}
				}
			}
		}
	}
}

// The baseline and its twin stand on both sides of the others, either of them first.
func TestTheBaselineIsOnBothSides(t *testing.T) {
	p := testPlan()
	first := map[int]int{}
	for n := range 100 {
		phases := p.Round(0, n).Phases
		a, b := phases[0].Scenarios, phases[len(phases)-1].Scenarios
		if len(phases) != 3 || len(a) != 1 || len(b) != 1 || a[0]+b[0] != p.Baseline()+p.SecondBaseline() {
			t.Fatalf("round %d: %v", n, phases)
		}
		first[a[0]]++
	}
	if n := first[p.Baseline()]; n < 30 || n > 70 {
		t.Errorf("the baseline is first in %d of 100 rounds", n)
	}
}

// No copy of a test stays with one scenario.
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
	for name, spoil := range map[string]func(*Plan){
		"no runs":         func(p *Plan) { p.Runs = 0 },
		"a tiny slice":    func(p *Plan) { p.Slice = time.Microsecond },
		"no tests":        func(p *Plan) { p.Tests = nil },
		"a test twice":    func(p *Plan) { p.Tests = append(p.Tests, p.Tests[0]) },
		"a scenario more": func(p *Plan) { p.Scenarios = append(p.Scenarios, p.Scenarios[1]) },
	} {
		p := testPlan()
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		spoil(&p)
		if p.Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
}
