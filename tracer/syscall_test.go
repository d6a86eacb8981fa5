package tracer

import (
	"testing"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/kernel"
)

func TestSyscallName(t *testing.T) {
	number := func(kind bpf.ProbeSyscallKind, nr uint16) uint16 { return uint16(kind)<<syscallKindShift | nr }
	const none = bpf.ProbeSyscallKindSYSCALL_NONE
	for s, want := range map[uint16]string{
		number(bpf.ProbeSyscallKindSYSCALL_X32, 2):                  "x32:open",
		number(none, uint16(bpf.ProbeNoSyscallNO_SYSCALL_IRQ)):      "[irq]",
		number(none, uint16(bpf.ProbeNoSyscallNO_SYSCALL_IO_URING)): "[io_uring]",
		number(7, 5): "[unknown 0xe005]",
	} {
		if got := syscallName(s); got != want {
			t.Errorf("%#x: %s, want %s", s, got, want)
		}
	}
}

// compatOpen is the open of a 32-bit task.
func compatOpen() string {
	if kernel.Native() == kernel.ARM64 {
		return "arm:open"
	}
	return "ia32:open"
}

func TestSyscallByName(t *testing.T) {
	for _, name := range []string{"openat", compatOpen(), "x32:ioctl", "[io_uring]", "[kthread]", "syscall_999"} {
		s, ok := syscallByName(name)
		if !ok || syscallName(s) != name {
			t.Errorf("%s: %#x, %v", name, s, ok)
		}
	}
	for _, name := range []string{"opneat", "", "[unknown 0x0]"} {
		if s, ok := syscallByName(name); ok {
			t.Errorf("%q is %#x", name, s)
		}
	}
}
