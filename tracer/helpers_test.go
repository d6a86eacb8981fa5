package tracer

import (
	"context"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

const sleepable = 1 << 4 // BPF_F_SLEEPABLE

// lsmProgram attaches an LSM program with the instructions of body.
func lsmProgram(t *testing.T, name, hook string, flags uint32, body ...asm.Instruction) *ebpf.Program {
	t.Helper()
	prog := loadLSM(t, name, hook, flags, body...)
	l, err := link.AttachLSM(link.LSMOptions{Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return prog
}

func loadLSM(t *testing.T, name, hook string, flags uint32, body ...asm.Instruction) *ebpf.Program {
	t.Helper()
	raiseMemlock(t)
	prog, err := lsm.Load(&ebpf.ProgramSpec{
		Name: name, Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: hook, License: "GPL", Flags: flags,
		Instructions: described(name, body),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

// described adds the BTF of a function, as a compiler does.
func described(name string, body asm.Instructions) asm.Instructions {
	proto := &btf.FuncProto{
		Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Void{}}}},
	}
	fn := &btf.Func{Name: name, Type: proto, Linkage: btf.GlobalFunc}
	body[0] = btf.WithFuncMetadata(body[0], fn).WithSymbol(name)
	return body
}

func raiseMemlock(t *testing.T) {
	t.Helper()
	all := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &all); err != nil {
		t.Fatal(err)
	}
}

func allow() []asm.Instruction { return []asm.Instruction{asm.Mov.Imm(asm.R0, 0), asm.Return()} }

// deny returns -EPERM.
func deny() []asm.Instruction { return []asm.Instruction{asm.Mov.Imm(asm.R0, -1), asm.Return()} }

// proceed allows in a program of a cgroup.
func proceed() []asm.Instruction { return []asm.Instruction{asm.Mov.Imm(asm.R0, 1), asm.Return()} }

// preemptible returns a context under which the probes check for preemption, or do not, whatever the kernel is.
func preemptible(check bool) context.Context {
	return kernel.WithOverride(context.Background(), kernel.Override{Preemptible: &check})
}

// measure returns what a Tracer counts while fn runs, and the sums by program.
func measure(t *testing.T, opts Options, fn func()) (profile.Snapshot, map[string]profile.Program) {
	t.Helper()
	return measureWhile(t, opts, func(func()) { fn() })
}

// measureWhile is measure for functions that poll meanwhile. A poll notices programs that came or went.
func measureWhile(t *testing.T, opts Options, fn func(poll func())) (profile.Snapshot, map[string]profile.Program) {
	t.Helper()
	tr, err := Start(preemptible(true), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	poll := func() {
		tr.set.lastScan = time.Time{} // look for detached programs, too
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	fn(poll)
	poll()
	s, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]profile.Program{}
	for _, p := range s.Programs {
		programs[p.Label()] = p
	}
	return s, programs
}

func getpgid(n int) {
	for range n {
		unix.RawSyscall(unix.SYS_GETPGID, uintptr(unix.Getpid()), 0, 0)
	}
}

func open(t *testing.T, n int) {
	t.Helper()
	for range n {
		fd, err := unix.Open("/proc/version", unix.O_RDONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		unix.Close(fd)
	}
}

// label returns the key of a program in the result of measure: before 5.18 the hook stands for it.
func label(name, hook string) string {
	if scope, _ := SupportedScope(); scope == profile.ScopeHook {
		return "lsm/" + hook
	}
	return name
}
