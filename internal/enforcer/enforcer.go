// Package enforcer knows the products that lsmprof profiles: which BPF LSM programs are theirs, and where in their maps the number
// of rules stands that each program walks. It reads their maps from outside and never changes them. docs/enforcers.md lists the maps
// and the versions that each product was checked against.
package enforcer

import (
	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// Rules is the number of rules in force for one workload, by the kind of rule.
type Rules = rules.Rules

// Program is a BPF LSM program as far as a product cares.
type Program struct {
	ID   ebpf.ProgramID
	Name string // full BTF name
	Hook string
	Maps []ebpf.MapID
}

// Reader reads the rules of one running product.
type Reader interface {
	Read() (Policies, error)
	Close() error
}

// Everywhere is the key of a policy that is in force for every workload without one of its own. No mount namespace has the number 0.
const Everywhere uint32 = 0

// Policies are what is in force, by mount namespace.
type Policies map[uint32]Policy

// Of is the policy of a workload.
func (p Policies) Of(mntns uint32) (Policy, bool) {
	if own, ok := p[mntns]; ok {
		return own, true
	}
	everywhere, ok := p[Everywhere]
	return everywhere, ok
}

// Policy is what is in force for one workload.
type Policy struct {
	Mode  string // Enforce, Complain, Allow; empty: the product has no modes
	Rules Rules
	// Generation tells two states of a workload's rules apart, also where the numbers are the same. It is comparable.
	Generation any
	// Mixed: processes of this mount namespace are under different policies, and which one a call ran under is not known.
	Mixed bool

	programs *programRules // nil: the rules go by hook
	uniform  bool          // every program walks Rules.Other
}

// The modes of a policy.
const (
	Enforce  = "enforce"
	Complain = "complain" // behaviour is recorded, no rule is walked
	Allow    = "allow"    // confined without a rule: vArmor's AlwaysAllow
)

// programRules are the rules of products whose programs on one hook have rules of their own each.
type programRules struct {
	byID   map[ebpf.ProgramID]int
	byHook map[string]int
}

func newProgramRules() *programRules {
	return &programRules{map[ebpf.ProgramID]int{}, map[string]int{}}
}

func (r *programRules) add(p Program, n int) {
	r.byID[p.ID] = n
	r.byHook[p.Hook] += n
}

// For returns how many rules a program walks, and false where that is not known. Where programs of one hook are not told apart, the id is
// 0.
func (p Policy) For(id ebpf.ProgramID, hook string) (int, bool) {
	if p.Mixed {
		return 0, false
	}
	if p.uniform {
		return p.Rules.Other, true
	}
	if p.programs != nil {
		if n, ok := p.programs.byID[id]; ok {
			return n, true
		}
		if n, ok := p.programs.byHook[hook]; ok && id == 0 {
			return n, true
		}
	}
	return p.Rules.ForHook(hook)
}
