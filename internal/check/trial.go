package check

import (
	"errors"
	"os"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// enotsupp is the kernel's internal ENOTSUPP, which has no name in user space.
const enotsupp = unix.Errno(524)

// judgeTrial explains why the kernel refused to load and attach a real program. If another fact is the cause, it names
// that fact.
func judgeTrial(name string, err error, f *Facts) Item {
	i := ok(name, "loaded and attached one")
	if err == nil {
		return i
	}
	i.Value = "refused"
	switch {
	case errors.Is(err, ErrNotTried):
		i.Value = NotTried
		return i.warn("lsmprof lacks the privileges to try", "")
	case judgeKernel(f).State == Fail:
		return i.fail(judgeKernel(f).Reason, judgeKernel(f).Remedy)
	case f.Lockdown == "confidentiality":
		return i.fail(err.Error()+": lockdown=confidentiality forbids BPF programs to read kernel memory",
			"boot with lockdown=integrity, or without lockdown")
	case errors.Is(err, os.ErrPermission):
		return i.fail(err.Error()+", although root has every capability it takes: this kernel or a security "+
			"policy forbids trampoline-based BPF programs",
			"use a machine whose kernel allows them, or a VM with a stock kernel; more privileges or a "+
				"higher MEMLOCK limit do not help")
	case errors.Is(err, enotsupp) && f.JIT == 0:
		return i.fail(err.Error()+": the JIT is off", "sysctl net.core.bpf_jit_enable=1")
	case errors.Is(err, enotsupp):
		return i.fail("this kernel cannot attach BPF programs to kernel functions",
			"boot Linux 5.10 or later on x86, 6.4 or later on arm64, with CONFIG_DYNAMIC_FTRACE=y")
	case errors.Is(err, btf.ErrNotFound), errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENOENT):
		return i.fail(err.Error()+": the kernel has no function bpf_lsm_task_getpgid to attach to",
			"boot a kernel with CONFIG_BPF_LSM=y and CONFIG_DEBUG_INFO_BTF=y")
	case errors.Is(err, unix.E2BIG):
		return i.fail(err.Error()+": the function has all the trampoline programs that the kernel allows",
			"stop another tracer")
	case errors.Is(err, unix.EBUSY):
		return i.fail(err.Error()+": a live patch or a user of ftrace has patched the function",
			"stop the other tracer, or unload the live patch")
	}
	return i.fail(err.Error(),
		"if none of the items above explains it, report it with the output of `lsmprof check --json`")
}
