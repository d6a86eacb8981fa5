package profile

import (
	"fmt"
	"time"
)

// RulesUnknown is the rule count of calls that ran while the rules of their workload were changing, or under a product
// whose rules cannot be read.
const RulesUnknown = -1

// SyscallOverflow is the syscall of the row that holds the calls for which no counter was free. That row has the zero
// Workload and RulesUnknown.
const SyscallOverflow = "[other]"

// Snapshot is everything that one recording measured.
type Snapshot struct {
	Start       time.Time
	Duration    time.Duration
	Version     string // of lsmprof
	CommandLine []string
	Machine     Machine
	Calibration Calibration
	Sample      int       // 1 of Sample calls was measured and counts Sample times; 0 and 1: every call was
	Programs    []Program // what Row.Program indexes
	Rows        []Row
	Warnings    []Warning
	CrossCheck  *CrossCheck // nil if there was no second pass
	EachRule    *EachRule   // nil if no pass timed each rule
	StackSample int         // the stack of 1 of StackSample calls was taken; 0: no stacks
	OwnCalls    uint64      // calls of lsmprof itself, which no row and no program counts
	Unprobed    Unprobed    // programs that ran without probes at first
	Inside      *Inside     // nil: the insides of programs were not sampled
	// EnoughMemory for counters, in bytes, would have held all workloads and syscalls; 0: no calls are charged to
	// SyscallOverflow.
	EnoughMemory int
}

// Machine names the machine that the numbers come from.
type Machine struct {
	Host   string `json:"host,omitempty"` // its name; empty: unknown, or left out
	Kernel string `json:"kernel"`         // uname -r
	Arch   string `json:"arch"`           // GOARCH
	CPU    string `json:"cpu"`            // model name
	CPUs   int    `json:"cpus"`
}

// Program is one probed target: a BPF LSM program, all programs of a hook together (ScopeHook), or the function that a
// security module has on a hook (ScopeFunction).
type Program struct {
	ID       uint32 // kernel program id; 0 unless the scope is ScopeProgram
	Name     string // full BTF function name; "" with ScopeHook, or what ProbeHook measures
	Hook     string // file_open
	Enforcer string // varmor, reference, generic; apparmor, selinux
	Scope    Scope
	// Position on the hook: 0 for the program that was attached first, whose dispatch includes entering the hook's
	// trampoline.
	Position int
	Probe    ProbeKind

	Timed     uint64 // calls with a time
	Preempted uint64 // calls seen, but without a time: another task ran meanwhile
	Missed    uint64 // calls that the kernel kept from the probe (recursion_misses)
}

// Scope is what one reading spans.
type Scope int

const (
	ScopeProgram  Scope = iota // one BPF program
	ScopeHook                  // all programs of a hook (kernels before 5.18)
	ScopeFunction              // a function of the kernel
)

// ProbeKind is the kind of probe that measured a program. Each kind has its own bias.
type ProbeKind int

const (
	ProbeEvery     ProbeKind = iota // measures every call
	ProbeSelective                  // can skip calls, by a filter or by sampling
	ProbeSleepable                  // for sleepable programs
	// ProbeHook measures a whole hook because some of its programs refuse to be opened. The cost of the programs on
	// the hook that have their own probes is subtracted.
	ProbeHook
	ProbeFunction // on a function of a security module
	// ProbeTotal is on the function that calls all security modules of a hook. The cost of everything else that is
	// measured on the hook is subtracted.
	ProbeTotal
)

// Row is what one program cost one workload in one syscall under one number of rules.
type Row struct {
	Program  int // index into Snapshot.Programs
	Syscall  string
	Workload Workload
	Rules    int // or RulesUnknown
	// Policy is what confines the workload under the security module of a function: the profile of AppArmor with
	// its mode, the type of SELinux's domain, mixed or unknown. "" for programs, and for modules without policies.
	Policy    string
	Denials   uint64
	Preempted uint64    // calls without a time
	Sum       uint64    // of all readings, ns
	Readings  Histogram // of the calls with a time, ns
	Stacks    []Stack   // sampled call paths, under any number of rules; read-only
	Paths     []Path    // where its calls were interrupted, if the insides of programs were sampled; read-only
}

// Workload is a mount namespace with the names it is known under.
type Workload struct {
	MntNS  uint32 // inode number of the mount namespace
	Comm   string // command of its oldest process
	Cgroup string // cgroup path of that process, "" if unknown
	// ContainerID is the container's id in full, from the container runtime or from the cgroup path; "" outside of
	// containers.
	ContainerID string

	// What the container runtime says; "" if it does not know the workload. The sandbox of a pod has no Container.
	Namespace, Pod, Container string
	Image                     string // as the pod names it: registry.example/nginx:1.27
	Labels                    string // of the pod, sorted: app=web,tier=front
}

// String returns "program", "hook" or "function".
func (s Scope) String() string {
	switch s {
	case ScopeHook:
		return "hook"
	case ScopeFunction:
		return "function"
	}
	return "program"
}

// MarshalText returns what String does.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Scope) UnmarshalText(text []byte) error {
	switch string(text) {
	case ScopeProgram.String():
		*s = ScopeProgram
	case ScopeHook.String():
		*s = ScopeHook
	case ScopeFunction.String():
		*s = ScopeFunction
	default:
		return fmt.Errorf("scope %q: must be program, hook or function", text)
	}
	return nil
}
