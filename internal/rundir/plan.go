package rundir

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The orders in which scenarios take turns.
const (
	Interleaved = "interleaved"
	Sequential  = "sequential" // all rounds of a scenario, then the next scenario: the seed's way, for comparison
)

const (
	// A run of a sliced test is a second, in rounds of a few slices: every round has a slice of the baseline close by.
	RoundsPerRun   = 4
	SlicesPerRound = 5
	// batchSize is how many tests share a round: switching the enforcer off and on takes up to two seconds, whatever is measured
	// in between.
	batchSize = 5
)

// Plan says what a bench does. It is fixed when the run directory is made: resuming goes by it.
type Plan struct {
	Order     string        `json:"order"`
	Seed      uint64        `json:"seed"`
	Runs      int           `json:"runs"`
	Slice     time.Duration `json:"slice_ns"`
	Warmup    time.Duration `json:"warmup_ns"` // of each slice, not counted
	Pass      time.Duration `json:"pass_ns"`   // what a whole pass takes or is asked to take
	Scenarios []Scenario    `json:"scenarios"` // the baseline first
	Tests     []Test        `json:"tests"`
	CPUs      []int         `json:"cpus"`                // the tests'; empty: any
	CopyCPUs  []int         `json:"copy_cpus,omitempty"` // where several copies run at once: one CPU each, in turn
	UnixBench string        `json:"unixbench,omitempty"` // its directory
	Container string        `json:"container,omitempty"` // where the tests run: its id, or NAMESPACE/POD[/CONTAINER]
	RulesMap  string        `json:"rules_map,omitempty"` // where enforcers that lsmprof does not know have their rules
	UntilCI   float64       `json:"until_ci,omitempty"`
	MaxTime   time.Duration `json:"max_time_ns,omitempty"`
}

// Rounds is how many rounds a test has at least.
func (p *Plan) Rounds(t Test) int {
	if t.Sliced() {
		return p.Runs * RoundsPerRun
	}
	return p.Runs
}

// CPUsOf is where a copy of a test runs; nil: anywhere.
func (p *Plan) CPUsOf(t Test) []int {
	if t.Copies < 2 || len(p.CopyCPUs) == 0 {
		return p.CPUs
	}
	n := t.Index % len(p.CopyCPUs)
	return p.CopyCPUs[n : n+1]
}

// Slices is how many slices, or passes, of each scenario a round has.
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

// Batches are the tests that take turns with each other.
func (p *Plan) Batches() [][]Test {
	var all [][]Test
	for _, sliced := range []bool{true, false} {
		var batch []Test
		for _, t := range p.Tests {
			if t.Sliced() != sliced {
				continue
			}
			if batch = append(batch, t); len(batch) == batchSize {
				all, batch = append(all, batch), nil
			}
		}
		if len(batch) > 0 {
			all = append(all, batch)
		}
	}
	return all
}

// Phase is a part of a round during which the enforcer stays as it is.
type Phase struct {
	State     State
	Scenarios []int // indices; what is measured
}

// Round is the order of one round of a batch, the same whenever it is asked for.
type Round struct {
	Phases []Phase
	// Slots says which of the copies of the tests is which scenario's. Copies differ a little, by where their memory happens to
	// lie, and would be taken for a difference between scenarios if they kept their roles.
	Slots []int
	rng   *rand.Rand
}

// Round deals the n-th round. The baseline and its twin stand on both sides of what is compared with them, in random order.
func (p *Plan) Round(batch, n int) Round {
	rng := rand.New(rand.NewPCG(p.Seed, uint64(batch)<<32|uint64(uint32(n))))
	r := Round{Slots: rng.Perm(len(p.Scenarios)), rng: rng}
	first, second := p.Baseline(), p.SecondBaseline()
	if second >= 0 && rng.IntN(2) == 0 {
		first, second = second, first
	}
	var states []State
	members := map[State][]int{}
	for i, s := range p.Scenarios {
		if i == p.Baseline() || i == p.SecondBaseline() {
			continue
		}
		if len(members[s.State]) == 0 {
			states = append(states, s.State)
		}
		members[s.State] = append(members[s.State], i)
	}
	rng.Shuffle(len(states), func(i, j int) { states[i], states[j] = states[j], states[i] })
	r.Phases = append(r.Phases, Phase{p.Scenarios[0].State, []int{first}})
	for _, s := range states {
		r.Phases = append(r.Phases, Phase{s, members[s]})
	}
	if second >= 0 {
		r.Phases = append(r.Phases, Phase{p.Scenarios[0].State, []int{second}})
	}
	r.Phases = merged(r.Phases)
	return r
}

// merged joins phases that need nothing switched in between.
func merged(phases []Phase) []Phase {
	out := phases[:1]
	for _, p := range phases[1:] {
		if last := &out[len(out)-1]; last.State == p.State {
			last.Scenarios = append(last.Scenarios[:len(last.Scenarios):len(last.Scenarios)], p.Scenarios...)
			continue
		}
		out = append(out, p)
	}
	return out
}

// Turn is one slice, or one pass, of a test under a scenario.
type Turn struct {
	Test     int // index into the batch
	Scenario int
	Slot     int // which copy
	// Lead says that it does not count: it is there so that every slice that does comes behind one of its own test. What a test
	// leaves to the kernel to free, execl most of all, runs in the slice behind it.
	Lead bool
}

// Turns is the order within a phase: one test after the other, in random order, each in all scenarios in random order slice by slice.
//
// While nothing is installed, all copies are the same, and the baseline takes them in turn: behind every slice comes one of another
// copy then, as it does where many scenarios share a phase. One that runs again at once needs some 7,000 instructions fewer (Linux 6.1):
// 0.15 % of a slice of 5 ms, which looked like a loss of the others.
func (r *Round) Turns(p *Plan, batch []Test, phase Phase) []Turn {
	alike := phase.State == Removed && len(phase.Scenarios) == 1
	var copies []int
	slot := func(scenario int) int {
		if !alike {
			return r.Slots[scenario]
		}
		if len(copies) == 0 {
			copies = r.rng.Perm(len(r.Slots))
		}
		next := copies[0]
		copies = copies[1:]
		return next
	}
	var turns []Turn
	for _, t := range r.rng.Perm(len(batch)) {
		if batch[t].Sliced() {
			i := phase.Scenarios[r.rng.IntN(len(phase.Scenarios))]
			turns = append(turns, Turn{t, i, slot(i), true})
		}
		for range p.Slices(batch[t]) {
			for _, k := range r.rng.Perm(len(phase.Scenarios)) {
				i := phase.Scenarios[k]
				turns = append(turns, Turn{t, i, slot(i), false})
			}
		}
	}
	return turns
}

// Duration is about how long the score runs take, without what --until-ci adds.
func (p *Plan) Duration() time.Duration {
	var total time.Duration
	for _, batch := range p.Batches() {
		rounds := 0
		for _, t := range batch {
			each := p.Pass
			if t.Sliced() {
				each = (p.Slice + p.Warmup) * time.Duration(p.Slices(t))
			}
			total += each * time.Duration(len(p.Scenarios)*p.Rounds(t))
			rounds = max(rounds, p.Rounds(t))
		}
		total += time.Duration(rounds) * p.switching()
	}
	return total
}

// ProfileSlices are the slices, or passes, of a cell that is profiled, and SyscallSlices those in which its syscalls are timed. A pass
// is long enough for that.
const ProfileSlices = 4

func SyscallSlices(t Test) int {
	if t.Sliced() {
		return 2
	}
	return 1
}

// ProfileDuration is about how long the profile runs of a test take, and its syscalls' times.
func (p *Plan) ProfileDuration(t Test) time.Duration {
	// The kernel takes its time to attach probes, and again to attach those of the syscalls.
	const attach = 600 * time.Millisecond
	each := p.Pass
	if t.Sliced() {
		each = p.Slice
	}
	var total time.Duration
	states := map[State]bool{}
	for _, s := range p.Scenarios {
		if s.State == Removed || s.SecondBaseline {
			continue
		}
		total += each * time.Duration(ProfileSlices+SyscallSlices(t))
		if !states[s.State] {
			states[s.State] = true
			total += attach
		}
	}
	return total
}

// switching is about what a round takes to switch the enforcer off and on.
func (p *Plan) switching() time.Duration {
	for _, s := range p.Scenarios {
		if s.State != p.Scenarios[0].State {
			return time.Second
		}
	}
	return 0
}

// Check says what is wrong with a plan.
func (p *Plan) Check() error {
	switch {
	case p.Runs < 1:
		return fmt.Errorf("--runs %d: must be at least 1", p.Runs)
	case p.Slice < time.Millisecond || p.Slice > 10*time.Second:
		return fmt.Errorf("--slice %s: must be between 1ms and 10s; 20ms to 100ms are best", p.Slice)
	case len(p.Tests) == 0:
		return fmt.Errorf("no test to run; `lsmprof bench --help` names them")
	}
	seen := map[string]bool{}
	for _, t := range p.Tests {
		if seen[t.Name] {
			return fmt.Errorf("test %s is there twice", t.Name)
		}
		seen[t.Name] = true
	}
	seen = map[string]bool{}
	for _, s := range p.Scenarios {
		if seen[s.Name] {
			return fmt.Errorf("scenario %s is there twice", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

// Imported says whether nothing of the plan was measured here.
func (p *Plan) Imported() bool {
	return len(p.Tests) > 0 && !slices.ContainsFunc(p.Tests, func(t Test) bool { return t.Kind != Plain })
}
