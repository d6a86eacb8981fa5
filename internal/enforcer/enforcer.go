// Package enforcer describes the products that lsmprof profiles: which BPF LSM programs belong to each, and which of
// their maps hold the rules that the programs walk. It reads these maps from outside and never writes to them.
// docs/enforcers.md lists the maps, and the versions that each product was checked against.
package enforcer

import (
	"iter"
	"maps"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Rules counts the rules in force for one workload, by kind.
type Rules = rules.Rules

// Reader reads the rules of one running product from its maps. It is not safe for concurrent use.
type Reader interface {
	// Read returns what is in force now. The caller must not change it: two readings may return the same map.
	Read() (Policies, error)
	// Close closes the maps.
	Close() error
}

// Policies holds the policies in force, by mount namespace. The key tracer.AllWorkloads holds the policy of every
// namespace without one of its own. Policies implements tracer.Policies.
type Policies map[uint32]Policy

// Of returns the policy of a workload.
func (p Policies) Of(mntns uint32) (Policy, bool) {
	if own, ok := p[mntns]; ok {
		return own, true
	}
	all, ok := p[tracer.AllWorkloads]
	return all, ok
}

// Workloads returns the workloads that have a policy, in no order.
func (p Policies) Workloads() iter.Seq[uint32] { return maps.Keys(p) }

// Generation returns the generation of a workload's policy, "" if it has none.
func (p Policies) Generation(mntns uint32) string {
	policy, _ := p.Of(mntns)
	return policy.Generation
}

// Rules returns the number of rules that a program walks for a workload, or profile.RulesUnknown.
func (p Policies) Rules(mntns uint32, program tracer.Program) int {
	policy, ok := p.Of(mntns)
	if !ok {
		return 0
	}
	if n, known := policy.rulesFor(program); known {
		return n
	}
	return profile.RulesUnknown
}

// Policy holds the rules in force for one workload.
type Policy struct {
	Mode  string // Enforce, Complain or Allow; empty if the product has no modes
	Rules Rules
	// Generation differs between any two states of the rules, even if their numbers are the same. It is never
	// empty.
	Generation string
	// Mixed is set if processes of the mount namespace are under different policies. Which of them a call ran under
	// is unknown, and so is its number of rules.
	Mixed bool

	programs *programRules // nil if the hook alone decides which rules a program walks
	uniform  bool          // every program walks Rules.Other
	walking  *programSet   // those that walk rules; nil: all
}

// Modes of a policy.
const (
	Enforce  = "enforce"
	Complain = "complain" // records behaviour and walks no rule
	Allow    = "allow"    // confined without any rule: vArmor's AlwaysAllow
)

// mixed is the policy of a mount namespace whose processes are under different policies.
var mixed = Policy{Mixed: true, Generation: "mixed"}

// rulesFor returns the number of rules that a program walks, and whether it is known. A program without an id stands
// for all programs on its hook.
func (p Policy) rulesFor(program tracer.Program) (int, bool) {
	switch {
	case p.walking != nil && !p.walking.has(program):
		return 0, true
	case p.Mixed:
		return 0, false
	case p.uniform:
		return p.Rules.Other, true
	case p.programs != nil:
		if n, ok := p.programs.find(program); ok {
			return n, true
		}
	}
	return p.Rules.ForHook(program.Hook)
}

type programSet []tracer.Program

// has reports whether a program is in the set. A program without an id is if the set has one on its hook.
func (s programSet) has(program tracer.Program) bool {
	return slices.ContainsFunc(s, func(p tracer.Program) bool {
		return p.ID == program.ID || program.ID == 0 && p.Hook == program.Hook
	})
}

// programRules counts rules by program, for products with several programs on a hook, each with rules of its own.
type programRules struct {
	byID   map[ebpf.ProgramID]int
	byHook map[string]int
}

func newProgramRules() *programRules {
	return &programRules{map[ebpf.ProgramID]int{}, map[string]int{}}
}

func (r *programRules) add(p tracer.Program, n int) {
	r.byID[p.ID] = n
	r.byHook[p.Hook] += n
}

func (r *programRules) find(p tracer.Program) (n int, ok bool) {
	if n, ok = r.byID[p.ID]; !ok && p.ID == 0 {
		n, ok = r.byHook[p.Hook]
	}
	return n, ok
}
