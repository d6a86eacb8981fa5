package tracer

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

// TrampolineLimit is about how many trampoline programs a function takes, all kinds together: 40 on Linux 5.10, 38 from 5.12 on
// (ca06f55b9002), and fewer where the trampoline's code no longer fits into a page, 36 empty ones on 7.2.
const TrampolineLimit = 38

// trialHook is where the trials attach: few tasks call it, and all that the programs do there is return 0.
const trialHook = "task_getpgid"

// TryTracing loads a tiny fentry program and attaches it for an instant. The error is the kernel's own, without advice. Like the
// probes, the program reads kernel memory, which lockdown=confidentiality forbids.
//
// Its target is a kernel function: a tracing program on an LSM program takes a kernel before 5.18 down.
func TryTracing() error {
	return try(ebpf.ProgramSpec{
		Name: "lsmprof_trial", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: HookPrefix + trialHook,
		Instructions: asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.R10), asm.Add.Imm(asm.R1, -8), asm.Mov.Imm(asm.R2, 8), asm.Mov.Reg(asm.R3, asm.R10),
			asm.FnProbeReadKernel.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return(),
		},
	}, func(p *ebpf.Program) (link.Link, error) {
		return link.AttachTracing(link.TracingOptions{Program: p, AttachType: ebpf.AttachTraceFEntry})
	})
}

// TryLSM loads an LSM program that allows everything and attaches it for an instant. The error is the kernel's own, without
// advice.
func TryLSM() error {
	return try(ebpf.ProgramSpec{
		Name: "lsmprof_trial", Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: trialHook,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}, func(p *ebpf.Program) (link.Link, error) {
		return link.AttachLSM(link.LSMOptions{Program: p})
	})
}

func try(spec ebpf.ProgramSpec, attach func(*ebpf.Program) (link.Link, error)) error {
	if err := rlimit.RemoveMemlock(); err != nil {
		return fmt.Errorf("raise the limit on locked memory: %w", err)
	}
	spec.License = "GPL"
	prog, err := ebpf.NewProgram(&spec)
	if err != nil {
		return fmt.Errorf("load: %w", root(err))
	}
	defer prog.Close()
	l, err := attach(prog)
	if err != nil {
		return fmt.Errorf("attach: %w", root(err))
	}
	return l.Close()
}

// root is the kernel's error without the guesses that cilium/ebpf adds to it.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// Busiest is the number of trampoline programs on the function that has most of them, as far as links tell: 0 also where the
// kernel does not (before 5.13) say what a link is attached to.
func Busiest() (int, error) {
	type function struct{ object, btf uint32 }
	programs, most := map[function]int{}, 0
	err := EachLink(func(_ link.ID, l link.Link) {
		info, err := l.Info()
		if err != nil {
			return // detached since it was listed
		}
		tracing := info.Tracing()
		if tracing == nil || tracing.TargetBtfId == 0 {
			return
		}
		f := function{uint32(tracing.TargetObjectId), uint32(tracing.TargetBtfId)}
		programs[f]++
		most = max(most, programs[f])
	})
	return most, err
}
