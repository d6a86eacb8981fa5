package tracer

import (
	"iter"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/profile"
)

// Enforcers knows which product owns a program and which rules that product has in force. A Tracer or a
// Stream does not call it from two goroutines at once.
type Enforcers interface {
	// Identify receives every loaded LSM program, at the start and again whenever programs came or went.
	Identify([]Program)
	// Owner returns the product that owns a program of the last Identify: its name, or Generic.
	Owner(Program) string
	// ReadRules reads the rules of every product that has programs attached and whose rules can be found. A Tracer
	// or a Stream calls it several times a second.
	ReadRules() []RuleReading
}

// RuleReading is one reading of the rules of one product.
type RuleReading struct {
	Enforcer string
	Programs []ebpf.ProgramID // attached, in ascending order; the rules are those of these programs
	Policies Policies
	Err      error // why the rules could not be read; Policies is then nil
}

// Policies holds the rules that a product had in force when they were read, by workload. A workload is the number of a
// mount namespace, or AllWorkloads.
type Policies interface {
	// Workloads returns the workloads that have a policy. AllWorkloads stands for those without one of their own.
	Workloads() iter.Seq[uint32]
	// Generation returns a string that differs between any two states of a workload's rules, even if the number of
	// rules is the same. It is empty if no policy applies to the workload.
	Generation(workload uint32) string
	// Rules returns the number of rules that a program walks for a workload: 0 if no policy applies to it, and
	// profile.RulesUnknown if the number is unknown. A program without an id stands for all programs on its hook.
	Rules(workload uint32, program Program) int
}

// AllWorkloads stands for the workloads without a policy of their own. No mount namespace has this number.
const AllWorkloads uint32 = 0

// Generic owns the programs that no product owns.
const Generic = "generic"

// ruleHistory holds the last three readings of the rules of one enforcer.
//
// The tracer drains the counters, then reads the rules, over and over. A drain returns the calls since the drain
// before. The rules did not change meanwhile if the reading before the first drain and those after each of the two
// drains agree.
type ruleHistory struct {
	programs []ebpf.ProgramID // whose rules these are
	last     [3]Policies      // oldest first
	reads    int
	timeline timeline // for events, which say when they ran
}

// add appends a reading that was taken between from and to, CLOCK_MONOTONIC in ns.
func (h *ruleHistory) add(now Policies, from, to uint64) {
	h.timeline.add(reading{from, to, now})
	h.last[0], h.last[1], h.last[2] = h.last[1], h.last[2], now
	h.reads++
}

// unsettled reports whether the rules of any workload differ between the last two readings.
func (h *ruleHistory) unsettled() bool {
	if h.reads < 2 {
		return true
	}
	before, now := h.last[1], h.last[2]
	for _, policies := range []Policies{before, now} {
		for workload := range policies.Workloads() {
			if before.Generation(workload) != now.Generation(workload) {
				return true
			}
		}
	}
	return false
}

// rules returns the number of rules that were in force between the last two drains, or RulesUnknown.
func (h *ruleHistory) rules(mntns uint32, program Program) int {
	if h.reads < len(h.last) {
		return profile.RulesUnknown
	}
	now := h.last[2]
	for _, earlier := range h.last[:2] {
		if earlier.Generation(mntns) != now.Generation(mntns) {
			return profile.RulesUnknown
		}
	}
	return now.Rules(mntns, program)
}

// identifyEnforcers looks up which enforcers own the programs.
func (s *probeSet) identifyEnforcers(progs []Program) {
	if s.opts.Enforcers != nil {
		s.opts.Enforcers.Identify(progs)
	}
}

func (s *probeSet) enforcerOf(t target) string {
	if t.scope == profile.ScopeFunction {
		return t.function.Owner()
	}
	if s.opts.Enforcers == nil {
		return Generic
	}
	return s.opts.Enforcers.Owner(t.program)
}

// readRules adds a reading to the history of each enforcer. An enforcer whose programs were replaced, or whose rules
// could not be read, starts a new history.
func (s *probeSet) readRules() {
	if s.opts.Enforcers == nil {
		return
	}
	from := monotonic()
	readings := s.opts.Enforcers.ReadRules()
	to := monotonic()
	known := make(map[string]*ruleHistory, len(readings))
	for _, r := range readings {
		if r.Err != nil {
			s.warnf("rules of %s are unknown: %v", r.Enforcer, r.Err)
			continue
		}
		h := s.histories[r.Enforcer]
		if h == nil || !slices.Equal(h.programs, r.Programs) {
			h = &ruleHistory{programs: r.Programs}
		}
		h.add(r.Policies, from, to)
		known[r.Enforcer] = h
	}
	s.histories = known
}

// rules returns the number of rules that a target walked between the last two drains, or RulesUnknown.
func (s *probeSet) rules(target *probedTarget, mntns uint32) int {
	if h, ok := s.histories[target.enforcer]; ok {
		return h.rules(mntns, target.target.programForRules())
	}
	return profile.RulesUnknown
}
