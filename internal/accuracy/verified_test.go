package accuracy

import (
	"context"
	"io"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

// The number of instructions that the verifier walks decides how long loading takes, and how close a program is to
// being refused.
func TestVerifiedInstructionsDoNotGrow(t *testing.T) {
	if !vmtest.Guest(t).AtLeast(5, 18) {
		t.Skip("counted since 5.16, and programs are probed since 5.18")
	}
	now := bounds{originHere(t).Release, map[string]int{}}
	ref, err := reference.Load()
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	cached := &ebpf.CollectionOptions{Cache: lsm.KernelTypes}
	var programs bpf.ProgramsObjects
	if err := bpf.LoadProgramsObjects(&programs, cached); err != nil {
		t.Fatal(err)
	}
	defer programs.Close()
	var empty bpf.EmptyObjects
	if err := bpf.LoadEmptyObjects(&empty, cached); err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	var syscalls bpf.SyscallsObjects
	if err := bpf.LoadSyscallsObjects(&syscalls, cached); err != nil {
		t.Fatal(err)
	}
	defer syscalls.Close()
	now.addAll(t)

	detach, err := small("task_getpgid", 0).attach()
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	detach, err = small("path_rename", 0).attach()
	if err != nil {
		t.Fatal(err)
	}
	defer detach()
	here := []uint32{noNamespace}
	// The probes that emit events are longest with stacks and paths.
	stacks := tracer.Stacks{Kernel: true, User: true}
	everything := func(ctx context.Context) {
		for _, o := range []tracer.Options{{}, {Stacks: stacks, StackSample: sampled}} {
			now.addStarted(t, func() (io.Closer, error) { return tracer.Start(ctx, o) })
		}
		now.addStarted(t, func() (io.Closer, error) {
			return tracer.StartTrace(ctx,
				tracer.TraceOptions{About: true, Stacks: stacks, Syscalls: []string{"openat"}})
		})
	}
	yes, no := true, false
	preemptible := kernel.WithOverride(context.Background(), kernel.Override{Preemptible: &yes})
	everything(preemptible)
	everything(kernel.WithOverride(preemptible, kernel.Override{HookScope: true, Preemptible: &yes}))
	plain := kernel.WithOverride(context.Background(), kernel.Override{Preemptible: &no})
	for _, ctx := range []context.Context{plain, preemptible} {
		now.addStarted(t, func() (io.Closer, error) {
			return tracer.Start(ctx, tracer.Options{Filter: tracer.Filter{MntNS: here}})
		})
	}
	now.addStarted(t, func() (io.Closer, error) { return tracer.Start(plain, tracer.Options{}) })
	attachSleepable(t)
	filter := tracer.Filter{MntNS: here, PIDs: []uint32{1}, Comm: "sh"}
	now.addStarted(t, func() (io.Closer, error) {
		return tracer.Start(preemptible, tracer.Options{Filter: filter, Sample: sampled})
	})
	everything(preemptible)
	delete(now.numbers, "small_task_getpgid")
	delete(now.numbers, "small_path_rename")
	delete(now.numbers, "sleepable")

	want, path := goldenFile(t, "verified", now)
	for name, n := range now.numbers {
		was, ok := want.numbers[name]
		switch {
		case !ok:
			t.Errorf("%s is not in %s; run with -update", name, path)
		case n > was+want.slack(now.release, was):
			t.Errorf("%s: the verifier walked %d instructions, want %d as in %s", name, n, was, path)
		case n < was-want.slack(now.release, was):
			t.Logf("%s: the verifier walked %d instructions, %d less than in %s: run with -update", name,
				n, was-n, path)
		}
	}
}

// addStarted adds the programs that start loads.
func (g bounds) addStarted(t *testing.T, start func() (io.Closer, error)) {
	t.Helper()
	started, err := start()
	if err != nil {
		t.Fatal(err)
	}
	g.addAll(t)
	started.Close()
}

// addAll adds every program in the kernel, by its BTF name. Of programs with the same name the largest number counts.
func (g bounds) addAll(t *testing.T) {
	t.Helper()
	for id, err := ebpf.ProgramGetNextID(0); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		p, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		info, err := p.Info()
		p.Close()
		if err != nil {
			t.Fatal(err)
		}
		funcs, err := info.FuncInfos()
		if err != nil || len(funcs) == 0 {
			continue
		}
		n, _ := info.VerifiedInstructions()
		name := funcs[0].Func.Name
		g.numbers[name] = max(g.numbers[name], int(n))
	}
}

func attachSleepable(t *testing.T) {
	t.Helper()
	prog, err := lsm.Load(&ebpf.ProgramSpec{
		// BPF_F_SLEEPABLE.
		Name: "sleepable", Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_open",
		License: "GPL", Flags: 1 << 4,
		Instructions: described("sleepable", asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.AttachLSM(link.LSMOptions{Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); prog.Close() })
}
