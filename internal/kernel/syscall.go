package kernel

import (
	"fmt"
	"runtime"
	"strings"
)

// ABI is a numbering of syscalls.
type ABI uint8

const (
	AMD64 ABI = iota
	I386
	X32
	ARM64
	ARM
)

// Native returns the ABI of 64-bit tasks on this machine.
func Native() ABI {
	if runtime.GOARCH == "arm64" {
		return ARM64
	}
	return AMD64
}

// Compat returns the ABI of 32-bit tasks on this machine.
func Compat() ABI {
	if runtime.GOARCH == "arm64" {
		return ARM
	}
	return I386
}

// Pseudo-syscalls stand for hook calls outside of any syscall.
const (
	KernelThread = "[kthread]"
	IOUring      = "[io_uring]"
	IRQ          = "[irq]"
	Exception    = "[exception]"
)

// x32Bit is set in the syscall numbers of x32.
const x32Bit = 0x40000000

// SyscallName returns the name of a syscall: `openat`, `ia32:openat` or `arm:openat` for a 32-bit task, `syscall_999`
// for an unknown number.
func SyscallName(abi ABI, nr uint32) string {
	switch abi {
	case AMD64:
		return lookup(syscallsAMD64[:], "", nr)
	case I386:
		return lookup(syscalls386[:], "ia32:", nr)
	case X32:
		return x32Name(nr &^ x32Bit)
	case ARM64:
		return lookup(syscallsARM64[:], "", nr)
	case ARM:
		return lookup(syscallsARM[:], "arm:", nr)
	}
	return fmt.Sprintf("abi%d:syscall_%d", abi, nr)
}

// KnownSyscall reports whether name is a syscall, or a pseudo-syscall such as `[kthread]`, that lsmprof can show on
// this machine.
func KnownSyscall(name string) bool {
	switch name {
	case KernelThread, IOUring, IRQ, Exception:
		return true
	}
	const numbers = 1 << 13 // the largest number that a probe records, plus 1
	abis := []ABI{Native(), Compat()}
	if Native() == AMD64 {
		abis = append(abis, X32)
	}
	for _, abi := range abis {
		for nr := range uint32(numbers) {
			if SyscallName(abi, nr) == name {
				return true
			}
		}
	}
	return false
}

// SyscallNames returns the names of the syscalls of this machine's own ABI, and of the pseudo-syscalls.
func SyscallNames() []string {
	names := []string{KernelThread, IOUring, IRQ, Exception}
	for nr := range uint32(1024) {
		if name := SyscallName(Native(), nr); !strings.HasPrefix(name, "syscall_") {
			names = append(names, name)
		}
	}
	return names
}

// x32Name returns the name of an x32 syscall. x32 shares the numbers of amd64, except those from 512 on.
func x32Name(nr uint32) string {
	const first = 512
	own := [...]string{
		"rt_sigaction", "rt_sigreturn", "ioctl", "readv", "writev", "recvfrom", "sendmsg", "recvmsg", "execve",
		"ptrace", "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "sigaltstack", "timer_create",
		"mq_notify", "kexec_load", "waitid", "set_robust_list", "get_robust_list", "vmsplice", "move_pages",
		"preadv", "pwritev", "rt_tgsigqueueinfo", "recvmmsg", "sendmmsg", "process_vm_readv",
		"process_vm_writev", "setsockopt", "getsockopt", "io_setup", "io_submit", "execveat", "preadv2",
		"pwritev2",
	}
	if nr >= first && nr-first < uint32(len(own)) {
		return "x32:" + own[nr-first]
	}
	return lookup(syscallsAMD64[:], "x32:", nr)
}

func lookup(names []string, prefix string, nr uint32) string {
	if nr < uint32(len(names)) && names[nr] != "" {
		return prefix + names[nr]
	}
	return fmt.Sprintf("%ssyscall_%d", prefix, nr)
}
