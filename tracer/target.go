package tracer

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// target is what one pair of probes sits on: a program, a hook with all its programs, or a function of the kernel.
type target struct {
	program Program // with ScopeHook the first program on the hook; with ScopeFunction its name and its hook
	scope   profile.Scope
	// With ScopeFunction, legacy says that this kernel needs the probes for kernels before 5.18.
	function Function
	legacy   bool
	// refused says, with ScopeHook, that a program on the hook refuses to be opened. Other programs have probes of
	// their own.
	refused bool
	// subprogram is a function of the program that has the probes instead of the program; "": the program.
	subprogram string
}

// targetID identifies a target. The kernel does not reuse a program id soon.
type targetID struct {
	id       ebpf.ProgramID
	hook     string // with ScopeHook only
	function string // with ScopeFunction only
}

// wholeHook returns the hook of a program that refuses to be opened. Its cost includes the dispatch of the first
// program. Its probes keep the start with the CPU: a call that sleeps and goes on at another CPU has no time.
func wholeHook(p Program) target {
	p.Sleepable, p.Position = false, 0
	return target{program: p, scope: profile.ScopeHook, refused: true}
}

func (t target) id() targetID {
	switch t.scope {
	case profile.ScopeHook:
		return targetID{hook: t.program.Hook}
	case profile.ScopeFunction:
		return targetID{function: t.program.Name}
	}
	return targetID{id: t.program.ID}
}

func (t target) String() string {
	if t.scope == profile.ScopeHook {
		return lsm.HookPrefix + t.program.Hook
	}
	return t.program.Name
}

// hookFunction returns the kernel's function that calls the target or, with ScopeFunction, that the target is.
func (t target) hookFunction() string {
	if t.scope == profile.ScopeFunction {
		return t.program.Name
	}
	return lsm.HookPrefix + t.program.Hook
}

// prototype returns the prototype of the hook that the target is on or, with ScopeFunction, of the function itself.
func (t target) prototype() (*btf.FuncProto, error) {
	if t.scope == profile.ScopeFunction {
		return prototypeOf(t.program.Name)
	}
	return hookPrototype(t.program.Hook)
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
