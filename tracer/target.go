package tracer

import (
	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// target is what one pair of probes sits on: a program, or a hook with all its programs.
type target struct {
	program Program // with ScopeHook the first program on the hook
	scope   profile.Scope
	// refused says, with ScopeHook, that a program on the hook refuses to be opened. Other programs have probes of
	// their own.
	refused bool
}

// targetID identifies a target. The kernel does not reuse a program id soon.
type targetID struct {
	id   ebpf.ProgramID
	hook string // with ScopeHook only
}

// wholeHook returns the hook of a program that refuses to be opened. Its cost includes the dispatch of the first
// program. Its probes keep the start with the CPU: a call that sleeps and goes on at another CPU has no time.
func wholeHook(p Program) target {
	p.Sleepable, p.Position = false, 0
	return target{p, profile.ScopeHook, true}
}

func (t target) id() targetID {
	if t.scope == profile.ScopeHook {
		return targetID{hook: t.program.Hook}
	}
	return targetID{id: t.program.ID}
}

func (t target) String() string {
	if t.scope == profile.ScopeHook {
		return lsm.HookPrefix + t.program.Hook
	}
	return t.program.Name
}

// programForRules returns the program to ask an enforcer's rules for. It has no id if it stands for all on the hook.
func (t target) programForRules() Program {
	if t.scope == profile.ScopeHook {
		return Program{Hook: t.program.Hook}
	}
	return t.program
}

// probedTarget is a target and what was measured on it. It stays when the program is detached.
type probedTarget struct {
	target   target
	enforcer string
	probe    *probe // nil once the program is detached
	baseline uint64 // misses of probe before recording began
	missed   uint64 // calls that earlier probes of it missed
	own      uint64 // calls of this process, which sum does not include
	sum      profile.Program
}

// misses returns the number of calls that the kernel kept from the probes.
func (t *probedTarget) misses() (uint64, error) {
	if t.probe == nil {
		return t.missed, nil
	}
	n, err := t.probe.misses()
	return t.missed + n - t.baseline, err
}
