package reference

import (
	"fmt"
	"math/bits"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
)

const (
	// MaxRules is the largest number of rules of one type in a namespace.
	MaxRules = 64
	// Fillers of capability rules are bits that no kernel checks: the last capability is 40, up to Linux 7.3.
	firstFillerCap = 41
	maxFillerCaps  = 64 - firstFillerCap
)

// Policy is what is enforced in a namespace. The first rule that matches decides; if none matches, access is allowed.
type Policy struct {
	// Fillers are rules, by type, that come first and match nothing that exists. They only cost time.
	Fillers    enforcer.Rules
	File, Exec []PathRule
	Net        []NetRule
	Mount      []MountRule
	DenyCaps   []Capability
	DenyPtrace bool // deny attaching to other processes
}

// Rules returns the number of rules, fillers included.
func (p Policy) Rules() enforcer.Rules {
	r := p.Fillers
	r.File += len(p.File)
	r.Exec += len(p.Exec)
	r.Net += len(p.Net)
	r.Mount += len(p.Mount)
	r.Cap += bits.OnesCount64(p.deniedCaps())
	if p.DenyPtrace {
		r.Ptrace = 1
	}
	return r
}

// Check fails if there are too many rules of a type.
func (p Policy) Check() error {
	r := p.Rules()
	for _, t := range []struct {
		name           string
		fillers, total int
	}{
		{"file", p.Fillers.File, r.File},
		{"exec", p.Fillers.Exec, r.Exec},
		{"net", p.Fillers.Net, r.Net},
		{"mount", p.Fillers.Mount, r.Mount},
	} {
		if t.fillers < 0 || t.total > MaxRules {
			return fmt.Errorf("%d %s rules: at most %d of a type (fillers: %d, others: %d)",
				t.total, t.name, MaxRules, t.fillers, t.total-t.fillers)
		}
	}
	if n := p.Fillers.Cap; n < 0 || n > maxFillerCaps {
		return fmt.Errorf("%d cap rules: at most %d, the bits that no kernel checks; deny others by name", n,
			maxFillerCaps)
	}
	if n := p.Fillers.Ptrace; n < 0 || n > 1 {
		return fmt.Errorf("%d ptrace rules: at most 1", n)
	}
	return nil
}

func (p Policy) files() []PathRule { return append(fillPaths(p.Fillers.File), p.File...) }
func (p Policy) execs() []PathRule { return append(fillPaths(p.Fillers.Exec), p.Exec...) }

func fillPaths(n int) []PathRule {
	rules := make([]PathRule, n)
	for i := range rules {
		rules[i].Action = bpf.EnforcerRefActionREF_DENY
		rules[i].Pattern = mustPattern(fillerGlob(i))
	}
	return rules
}

// nets returns the rules. The fillers are in 240.0.0.0/8, which is reserved and not routed.
func (p Policy) nets() []NetRule {
	rules := make([]NetRule, p.Fillers.Net)
	for i := range rules {
		rules[i] = mustNet(fmt.Sprintf("240.0.0.%d:%d", i+1, i+1))
	}
	return append(rules, p.Net...)
}

func (p Policy) mounts() []MountRule {
	rules := make([]MountRule, p.Fillers.Mount)
	for i := range rules {
		rules[i] = MountRule{
			Action:  bpf.EnforcerRefActionREF_DENY,
			Ops:     allMountOps,
			Pattern: mustPattern(fillerGlob(i)),
		}
	}
	return append(rules, p.Mount...)
}

func (p Policy) deniedCaps() uint64 {
	var set uint64
	for _, c := range p.DenyCaps {
		set |= 1 << c
	}
	return set
}

// caps returns the bits of the capability rules, fillers included.
func (p Policy) caps() uint64 {
	return p.deniedCaps() | (1<<p.Fillers.Cap-1)<<firstFillerCap
}

func fillerGlob(i int) string { return fmt.Sprintf("/lsmprof-no-such-%d/**", i) }
