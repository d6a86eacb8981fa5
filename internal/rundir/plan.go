package rundir

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The orders in which scenarios are measured.
const (
	Interleaved = "interleaved"
	Sequential  = "sequential" // all rounds of one scenario, then those of the next: for comparison
)

const (
	// RoundsPerRun and SlicesPerRound divide the second that a run of a sliced test takes, so that every slice of a
	// scenario is close in time to slices of the baseline.
	RoundsPerRun   = 4
	SlicesPerRound = 5
	// batchSize is the number of tests that share a round. Switching the enforcer off and on takes up to two
	// seconds, whatever is measured in between.
	batchSize = 5
)

// Plan says what a bench does. It is fixed when the run directory is made, and a resumed bench follows it.
type Plan struct {
	Order     string        `json:"order"`
	Seed      uint64        `json:"seed"`
	Runs      int           `json:"runs"`
	Slice     time.Duration `json:"slice_ns"`
	Warmup    time.Duration `json:"warmup_ns"` // before each slice, not counted
	Pass      time.Duration `json:"pass_ns"`   // duration of a whole pass
	Scenarios []Scenario    `json:"scenarios"` // the baseline first
	Tests     []Test        `json:"tests"`
	CPUs      []int         `json:"cpus"`                // that tests run on; empty: any
	CopyCPUs  []int         `json:"copy_cpus,omitempty"` // if several copies run at once, one for each in turn
	UnixBench string        `json:"unixbench,omitempty"` // its directory
	Container string        `json:"container,omitempty"` // that tests run in: its id, or NAMESPACE/POD[/CONTAINER]
	// RulesMap is the map that holds the rules of an enforcer that lsmprof does not know.
	RulesMap string `json:"rules_map,omitempty"`
	// LSMs are the security modules that profile runs measure, and Hooks globs of the hooks, as in --lsm and
	// --hook. Nil: only BPF, and all hooks.
	LSMs  []string `json:"lsms,omitempty"`
	Hooks []string `json:"hooks,omitempty"`
	// UntilCI adds rounds until every interval is at most this share on both sides of the loss; 0: none are added.
	UntilCI float64       `json:"until_ci,omitempty"`
	MaxTime time.Duration `json:"max_time_ns,omitempty"` // after which UntilCI adds no round; 0: no limit
}

// Rounds returns the number of rounds of a test, without those that UntilCI adds.
func (p *Plan) Rounds(t Test) int {
	if t.Sliced() {
		return p.Runs * RoundsPerRun
	}
	return p.Runs
}

// CPUsOf returns the CPUs on which a copy of a test runs; nil: any.
func (p *Plan) CPUsOf(t Test) []int {
	if t.Copies < 2 || len(p.CopyCPUs) == 0 {
		return p.CPUs
	}
	n := t.Index % len(p.CopyCPUs)
	return p.CopyCPUs[n : n+1]
}

// Slices returns the number of slices, or passes, of each scenario in a round.
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

// Duration estimates how long the score runs take, without the rounds that UntilCI adds.
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
			total += p.LeadTime(t) * time.Duration(p.phases()*p.Rounds(t))
			rounds = max(rounds, p.Rounds(t))
		}
		total += time.Duration(rounds) * p.switching()
	}
	return total
}

// ProfileSlices is the number of slices, or passes, for which a cell is profiled.
const ProfileSlices = 4

// SyscallSlices returns the number of slices, or passes, in which the syscalls of a test are timed. One pass is long
// enough.
func SyscallSlices(t Test) int {
	if t.Sliced() {
		return 2
	}
	return 1
}

// ProfileDuration estimates how long the profile runs of a test take, with those that time its syscalls and, for as
// long again, sample the insides of programs.
func (p *Plan) ProfileDuration(t Test) time.Duration {
	// Attaching the probes takes the kernel this long, once for each kind of run.
	const attach = 900 * time.Millisecond
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
		total += each * time.Duration(ProfileSlices+2*SyscallSlices(t))
		if !states[s.State] {
			states[s.State] = true
			total += attach
		}
	}
	return total
}

// phases is the number of phases of a round.
func (p *Plan) phases() int { return len(p.Round(0, 0).Phases) }

// switching estimates how long switching the enforcer off and on takes in a round.
func (p *Plan) switching() time.Duration {
	for _, s := range p.Scenarios {
		if s.State != p.Scenarios[0].State {
			return time.Second
		}
	}
	return 0
}

// The limits of a plan. They keep a mistyped number from starting a bench that never ends.
const (
	MaxRuns   = 10_000
	MaxSlice  = 10 * time.Second
	MaxPass   = time.Hour
	MaxCopies = 1024
)

// Check returns what is wrong with a plan, or nil.
func (p *Plan) Check() error {
	switch {
	case len(p.Tests) == 0:
		return errors.New("no test to run")
	case len(p.Scenarios) == 0:
		return errors.New("no scenario to run")
	case p.Runs < 1 || p.Runs > MaxRuns:
		return fmt.Errorf("%d runs: must be from 1 to %d", p.Runs, MaxRuns)
	case p.UntilCI != 0 && !(p.UntilCI > 0 && p.UntilCI <= 1):
		return fmt.Errorf("intervals within %g: must be a share above 0", p.UntilCI)
	case p.MaxTime < 0:
		return fmt.Errorf("at most %s: must not be negative", p.MaxTime)
	}
	if !p.Imported() {
		switch {
		case p.Slice < time.Millisecond || p.Slice > MaxSlice:
			return fmt.Errorf("slices of %s: must be from 1ms to %s; 20ms to 100ms are best", p.Slice,
				MaxSlice)
		case p.Warmup < 0 || p.Warmup > MaxSlice:
			return fmt.Errorf("a warm-up of %s: must be from 0s to %s", p.Warmup, MaxSlice)
		case p.Pass < 0 || p.Pass > MaxPass:
			return fmt.Errorf("passes of %s: must be from 0s to %s", p.Pass, MaxPass)
		}
	}
	for _, t := range p.Tests {
		if t.Copies < 0 || t.Copies > MaxCopies {
			return fmt.Errorf("%d copies of test %s: must be from 1 to %d", t.Copies, t.Name, MaxCopies)
		}
	}
	return p.checkNames()
}

// checkNames finds names that occur twice, in the plan or as names of files.
func (p *Plan) checkNames() error {
	var tests, scenarios []string
	for _, t := range p.Tests {
		tests = append(tests, t.Name)
	}
	for _, s := range p.Scenarios {
		scenarios = append(scenarios, s.Name)
	}
	if err := distinct("test", tests); err != nil {
		return err
	}
	return distinct("scenario", scenarios)
}

// CheckName returns what is wrong with the name of a test or a scenario, or nil. Names become names of files, labels
// and columns.
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("an empty name")
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not UTF-8", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("name %q has control characters", name)
	}
	return nil
}

func distinct(what string, names []string) error {
	files := map[string]string{}
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		switch first, taken := files[FileName(name)]; {
		case taken && first == name:
			return fmt.Errorf("%s %s occurs twice", what, name)
		case taken:
			return fmt.Errorf("the files of %ss %q and %q would have one name: rename one of them", what,
				first, name)
		}
		files[FileName(name)] = name
	}
	return nil
}

// CheckResult returns why a result cannot be one of this plan, or nil. A result of a test or a scenario that the plan
// does not have is not an error: it is ignored.
func (p *Plan) CheckResult(r *Result) error {
	const most = 1e18
	switch {
	case r.Round < 0 || r.Round > MaxRuns*RoundsPerRun:
		return fmt.Errorf("round %d of %s", r.Round, r.Test)
	case !(r.Ops > 0 && r.Ops < most) || !(r.Ns > 0 && r.Ns < most):
		return fmt.Errorf("%g operations in %g ns in round %d of %s", r.Ops, r.Ns, r.Round, r.Test)
	}
	return nil
}

// Imported reports whether all scores of the plan were measured elsewhere.
func (p *Plan) Imported() bool {
	return len(p.Tests) > 0 && !slices.ContainsFunc(p.Tests, func(t Test) bool { return t.Kind != Plain })
}
