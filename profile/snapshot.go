// Package profile holds what was measured, as plain values: it knows nothing of BPF. The tracer fills a Snapshot; Costs says
// what each of its rows cost, Write turns it into a pprof profile and WriteJSON into a document for programs.
//
// All durations are nanoseconds. A Snapshot is a value: nothing in this package changes the one it is given.
package profile

import (
	"fmt"
	"time"
)

// RulesUnknown is the rule count of invocations that ran while the rules of their workload were changing, or under a product
// whose rules lsmprof cannot read.
const RulesUnknown = -1

// Other is the syscall of a row of all that found no counter of its own: its workload is nobody's, its rules are unknown.
const Other = "[other]"

// Snapshot is everything one recording measured.
type Snapshot struct {
	Start       time.Time
	Duration    time.Duration
	Version     string // of lsmprof
	CommandLine []string
	Machine     Machine
	Calibration Calibration
	Sample      int       // one of so many invocations was measured and is charged so many times; 0 and 1: all were
	Programs    []Program // index space of Row.Program
	Rows        []Row
	Warnings    []Warning
	CrossCheck  *CrossCheck // nil: none was made
	StackSample int         // the stack of one of so many invocations was taken; 0: of none
}

// Machine names the place the numbers come from.
type Machine struct {
	Kernel string // uname -r
	Arch   string // GOARCH
	CPU    string // model name
	CPUs   int
}

// Program is one probed target: a BPF LSM program or, where Scope is ScopeHook, all programs of a hook together.
type Program struct {
	ID       uint32 // kernel program id, 0 for ScopeHook
	Name     string // full BTF function name; "" for ScopeHook
	Hook     string // file_open
	Enforcer string // varmor, reference, generic
	Scope    Scope
	// Position on the hook: 0 for the first program attached, whose dispatch includes entering the hook's trampoline.
	Position int
	Pair     Pair

	Timed     uint64 // invocations with a time
	Preempted uint64 // invocations seen, without a time: another task ran in between
	Missed    uint64 // invocations the kernel kept from the probe (recursion_misses)
}

// Scope says what a reading spans.
type Scope int

const (
	ScopeProgram Scope = iota // one BPF program
	ScopeHook                 // every program of the hook (kernels before 5.18)
)

// Pair is a kind of probes. Each has a bias of its own.
type Pair int

const (
	PairPlain     Pair = iota // records every invocation
	PairSelective             // leaves some out, by a filter or by sampling, or has more cells than a map value holds
	PairSleepable             // for sleepable programs
)

// Row is what one program cost one workload in one syscall under one rule count.
type Row struct {
	Program   int // index into Snapshot.Programs
	Syscall   string
	Workload  Workload
	Rules     int // or RulesUnknown
	Denials   uint64
	Preempted uint64 // invocations without a time
	Sum       uint64 // of the readings, ns
	Readings  Histogram
	Stacks    []Stack // what was sampled of those that led to it, under any rules; nobody's to change
}

// Workload is a mount namespace, by the names it is known under.
type Workload struct {
	MntNS  uint32 // inode number of the mount namespace
	Comm   string // command that stands for it
	Cgroup string // cgroup path of that command, where known
	// ContainerID is the container's id in full, from the container runtime or from the cgroup path; "" outside of containers.
	ContainerID string

	// What a container runtime calls it, empty where none knows it. The sandbox of a pod has no Container.
	Namespace, Pod, Container string
	Image                     string // as the pod asks for it: docker.io/library/nginx:1.27
	Labels                    string // of the pod, sorted: app=web,tier=front
}

func (s Scope) String() string {
	if s == ScopeHook {
		return "hook"
	}
	return "program"
}

// MarshalText writes a Scope as its name.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name of a Scope.
func (s *Scope) UnmarshalText(text []byte) error {
	switch string(text) {
	case ScopeProgram.String():
		*s = ScopeProgram
	case ScopeHook.String():
		*s = ScopeHook
	default:
		return fmt.Errorf("scope %q: must be program or hook", text)
	}
	return nil
}
