package accuracy

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/lsm"
)

// layer is an enforcer that an operation runs under.
type layer struct {
	name   string
	owns   func(program string) bool
	attach func() (detach func() error, err error)
}

// small returns one program on a hook, which calls a cheap helper the given number of times and allows everything.
func small(hook string, calls int) layer {
	name := fmt.Sprintf("small_%s", hook)
	return layer{
		name: "small",
		owns: func(p string) bool { return p == name },
		attach: func() (func() error, error) {
			var body asm.Instructions
			for range calls {
				body = append(body, asm.FnGetCurrentPidTgid.Call())
			}
			spec := lsmProgram(name, hook, append(body, asm.Mov.Imm(asm.R0, 0), asm.Return()))
			return attachAll(map[string]*ebpf.ProgramSpec{name: spec})
		},
	}
}

func lsmProgram(name, hook string, body asm.Instructions) *ebpf.ProgramSpec {
	return &ebpf.ProgramSpec{
		Name: name, Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: hook, License: "GPL",
		Instructions: described(name, body),
	}
}

// attachAll loads and attaches programs. It loads them together, so that the kernel's BTF is read only once.
func attachAll(specs map[string]*ebpf.ProgramSpec) (detach func() error, err error) {
	programs, err := ebpf.NewCollectionWithOptions(&ebpf.CollectionSpec{Programs: specs},
		ebpf.CollectionOptions{Cache: lsm.KernelTypes})
	if err != nil {
		return nil, err
	}
	var links []link.Link
	detach = func() error {
		var errs []error
		for _, l := range links {
			errs = append(errs, l.Close())
		}
		programs.Close()
		return errors.Join(errs...)
	}
	for name, prog := range programs.Programs {
		l, err := link.AttachLSM(link.LSMOptions{Program: prog})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("attach %s: %w", name, err), detach())
		}
		links = append(links, l)
	}
	return detach, nil
}

// described adds the BTF that a compiler would write. A program without BTF cannot be probed.
func described(name string, insns asm.Instructions) asm.Instructions {
	proto := &btf.FuncProto{
		Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Void{}}}},
	}
	insns[0] = btf.WithFuncMetadata(insns[0],
		&btf.Func{Name: name, Type: proto, Linkage: btf.GlobalFunc}).WithSymbol(name)
	return insns
}
