package tracer

import (
	"fmt"
	"strings"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/kernel"
)

// Layout of a counter's syscall, SYSCALL_* of bpf/types.h.
const (
	syscallKindShift = 13
	syscallNrMask    = 1<<syscallKindShift - 1
)

// syscallName returns the name of a syscall that a probe recorded as kind and number.
func syscallName(s uint16) string {
	nr := uint32(s & syscallNrMask)
	switch kind := bpf.ProbeSyscallKind(s >> syscallKindShift); kind {
	case bpf.ProbeSyscallKindSYSCALL_NATIVE:
		return kernel.SyscallName(kernel.Native(), nr)
	case bpf.ProbeSyscallKindSYSCALL_COMPAT:
		return kernel.SyscallName(kernel.Compat(), nr)
	case bpf.ProbeSyscallKindSYSCALL_X32:
		return kernel.SyscallName(kernel.X32, nr)
	case bpf.ProbeSyscallKindSYSCALL_NONE:
		switch bpf.ProbeNoSyscall(nr) {
		case bpf.ProbeNoSyscallNO_SYSCALL_KTHREAD:
			return kernel.KernelThread
		case bpf.ProbeNoSyscallNO_SYSCALL_IO_URING:
			return kernel.IOUring
		case bpf.ProbeNoSyscallNO_SYSCALL_IRQ:
			return kernel.IRQ
		case bpf.ProbeNoSyscallNO_SYSCALL_EXCEPTION:
			return kernel.Exception
		}
	}
	return fmt.Sprintf("[unknown %#x]", s)
}

// syscallByName is the inverse of syscallName.
func syscallByName(name string) (uint16, bool) {
	if !strings.HasPrefix(name, "[unknown") {
		for s := range uint32(1 << 16) {
			if syscallName(uint16(s)) == name {
				return uint16(s), true
			}
		}
	}
	return 0, false
}
