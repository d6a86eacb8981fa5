package reference

import (
	"fmt"
	"math/bits"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
)

const (
	// MaxRules is how many rules of one type a namespace can have.
	MaxRules = 64
	// Fillers of capability rules are bits that no kernel asks for: 40 is the last capability up to Linux 7.3.
	firstFillerCap = 41
	maxFillerCaps  = 64 - firstFillerCap
)

// Policy is what is enforced in one namespace. The first rule that matches decides; none allows.
type Policy struct {
	// Fillers is the number of rules, by type, that come first and match nothing ordinary: they are there to be walked.
	Fillers    enforcer.Rules
	File, Exec []PathRule
	Net        []NetRule
	Mount      []MountRule
	DenyCaps   []Capability
	DenyPtrace bool // attaching to other processes
}

// Rules is the number of rules in force under the policy.
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

// Check says what is wrong with the numbers.
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
			return fmt.Errorf("%d %s rules: at most %d of a type (%d given as a number, %d by --deny-%s)",
				t.total, t.name, MaxRules, t.fillers, t.total-t.fillers, t.name)
		}
	}
	if n := p.Fillers.Cap; n < 0 || n > maxFillerCaps {
		return fmt.Errorf("%d cap rules: at most %d, the bits that no kernel asks for; deny others by name", n, maxFillerCaps)
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

// nets returns the rules with fillers in 240.0.0.0/8, reserved and routed nowhere.
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
