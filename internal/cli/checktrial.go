package cli

import (
	"errors"
	"os"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// enotsupp is the kernel's own "not supported", which user space has no name for.
const enotsupp = unix.Errno(524)

// judgeTrial explains why a real program could not be loaded and attached. It knows the other facts, so that it does not blame
// what it can see is in order.
func judgeTrial(name string, err error, f machineFacts) checkItem {
	i := ok(name, "loaded and attached one")
	if err == nil {
		return i
	}
	i.Value = "refused"
	switch {
	case errors.Is(err, errNotTried):
		i.Value = "not tried"
		return i.warn("the items above come first", "")
	case f.lockdown == "confidentiality":
		return i.fail(err.Error()+": lockdown=confidentiality forbids BPF programs to read kernel memory", "boot with lockdown=integrity, or without lockdown")
	case errors.Is(err, os.ErrPermission):
		return i.fail(err.Error()+", although root has every capability it takes: this kernel or a security policy forbids "+
			"trampoline-based BPF programs",
			"use a machine whose kernel allows them, or a VM with a stock kernel; more privileges or a higher MEMLOCK limit do not help")
	case errors.Is(err, enotsupp) && f.jit == 0:
		return i.fail(err.Error()+": the JIT is off", "sysctl net.core.bpf_jit_enable=1")
	case errors.Is(err, enotsupp):
		return i.fail("this kernel has no trampolines for BPF programs", "boot a newer kernel (x86: 5.10, arm64: 6.0), with CONFIG_DYNAMIC_FTRACE=y")
	case errors.Is(err, btf.ErrNotFound), errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENOENT):
		return i.fail(err.Error()+": the kernel has no function bpf_lsm_task_getpgid to attach to", "boot a kernel with CONFIG_BPF_LSM=y and CONFIG_DEBUG_INFO_BTF=y")
	case errors.Is(err, unix.E2BIG):
		return i.fail(err.Error()+": the function has all the trampoline programs that it takes", "stop another tracer")
	case errors.Is(err, unix.EBUSY):
		return i.fail(err.Error()+": something else has patched the function, a live patch or an ftrace user", "stop the other tracer, or unload the live patch")
	}
	return i.fail(err.Error(), "if none of the items above explains it, report it with the output of `lsmprof check -o json`")
}
