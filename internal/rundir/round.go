package rundir

import (
	"math/rand/v2"
	"time"
)

// batchSize is the number of tests that share a round. Switching the enforcer off and on takes up to two seconds,
// whatever is measured in between.
const batchSize = 5

// Batches returns the tests in groups that share rounds.
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

// Phase is a part of a round during which the enforcer is not switched.
type Phase struct {
	State     State
	Scenarios []int // indices of those that are measured
}

// Round is the order of one round of a batch. It is the same every time.
type Round struct {
	Phases []Phase
	// Slots assigns a copy of each test to each scenario. Copies differ a little, for example in where their memory
	// lies. If they kept their scenarios, that would look like a difference between these.
	Slots []int
	rng   *rand.Rand
}

// Round deals the n-th round. The two baselines stand on both sides of what is compared with them. Which of them comes
// first is random, but each does in one round of every pair: a machine that speeds up or slows down within a round
// favours neither.
func (p *Plan) Round(batch, n int) Round {
	rng := rand.New(rand.NewPCG(p.Seed, uint64(batch)<<32|uint64(uint32(n))))
	r := Round{Slots: rng.Perm(len(p.Scenarios)), rng: rng}
	first, second := p.Baseline(), p.SecondBaseline()
	pair := rand.New(rand.NewPCG(^p.Seed, uint64(batch)<<32|uint64(uint32(n/2))))
	if second >= 0 && pair.IntN(2) == n%2 {
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

// merged joins phases between which nothing is switched.
func merged(phases []Phase) []Phase {
	out := phases[:1]
	for _, p := range phases[1:] {
		if last := &out[len(out)-1]; last.State == p.State {
			last.Scenarios = append(last.Scenarios[:len(last.Scenarios):len(last.Scenarios)],
				p.Scenarios...)
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
	Slot     int // the copy
	// Lead says that the slice does not count. See leadTime.
	Lead bool
}

// leadTime is how long a test runs in a phase before its slices count. Two effects make the first slices differ from
// the later ones. The kernel still frees what the previous test left behind, most of all after execl. And a test is
// faster after a pause: after a lead of 5 ms the first slice of 4 ms of execl was 1.6 % faster, after 24 ms less than
// 0.02 %.
const leadTime = 24 * time.Millisecond

// LeadTime returns how long the slices of a test take that do not count, in each phase.
func (p *Plan) LeadTime(t Test) time.Duration {
	return time.Duration(p.leads(t)) * (p.Slice + p.Warmup)
}

// leads is the number of slices of a test in a phase that do not count.
func (p *Plan) leads(t Test) int {
	if !t.Sliced() {
		return 0
	}
	slice := max(p.Slice+p.Warmup, time.Millisecond)
	return int((leadTime + slice - 1) / slice)
}

// Turns returns the order within a phase: the tests one after the other in random order, and of each all scenarios in
// random order, slice by slice.
//
// With no enforcer installed all copies are identical, so the baseline rotates through them: a copy that runs twice in
// a row needs some 7,000 instructions less (Linux 6.1). That is 0.15 % of a slice of 5 ms, and looked like a loss of
// the other scenarios.
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
		for range p.leads(batch[t]) {
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
