package lsm

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

// TryTracing loads a small fentry program, attaches it, and detaches it at once. It returns the kernel's own error,
// without advice. Like the probes, the program reads kernel memory, which lockdown=confidentiality forbids.
//
// The target is a kernel function, because a tracing program on an LSM program crashes kernels before 5.18.
func TryTracing() error {
	return try(ebpf.ProgramSpec{
		Name: "lsmprof_trial", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry,
		AttachTo: HookPrefix + TrialHook,
		Instructions: asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.R10), asm.Add.Imm(asm.R1, -8),
			asm.Mov.Imm(asm.R2, 8), asm.Mov.Reg(asm.R3, asm.R10),
			asm.FnProbeReadKernel.Call(), asm.Mov.Imm(asm.R0, 0), asm.Return(),
		},
	}, func(p *ebpf.Program) (link.Link, error) {
		return link.AttachTracing(link.TracingOptions{Program: p, AttachType: ebpf.AttachTraceFEntry})
	})
}

// TryLSM loads an LSM program that allows everything, attaches it, and detaches it at once. It returns the kernel's
// own error, without advice.
func TryLSM() error {
	return try(ebpf.ProgramSpec{
		Name: "lsmprof_trial", Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: TrialHook,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	}, func(p *ebpf.Program) (link.Link, error) {
		return link.AttachLSM(link.LSMOptions{Program: p})
	})
}

func try(spec ebpf.ProgramSpec, attach func(*ebpf.Program) (link.Link, error)) error {
	if err := rlimit.RemoveMemlock(); err != nil {
		return fmt.Errorf("raise RLIMIT_MEMLOCK: %w", err)
	}
	spec.License = "GPL"
	prog, err := Load(&spec)
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

// root returns the kernel's error, without the guesses that cilium/ebpf adds to it.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
