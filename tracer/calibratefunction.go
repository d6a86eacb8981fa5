package tracer

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// emptyFunction is a function of the kernel that returns its argument plus 1. The kernel calls it, for tests of tracing
// programs, when BPF_PROG_TEST_RUN runs one. So it does not matter which security modules are active.
const emptyFunction = "bpf_fentry_test1"

// calibrateFunctions measures what probes on a function of the kernel read if that does nothing, and what they cost.
func calibrateFunctions(cal *profile.Calibration, m machine) (err error) {
	call, closeCall, err := callEmptyFunction()
	if err != nil {
		return fmt.Errorf("calibrate probes on functions: %w", lsm.ExplainLoad(err))
	}
	defer func() { err = errors.Join(err, closeCall()) }()
	without := latency(call, nil)
	f := Function{LSM: "lsmprof", Name: emptyFunction}
	readings, with, err := probed(f.target(m.scope == profile.ScopeHook), m, Filter{}, call)
	if err != nil {
		return err
	}
	without = append(without, latency(call, nil)...)
	cal.BiasFunction = median(readings)
	cal.ProbeCostFunction = less(with, without)
	return nil
}

// callEmptyFunction returns a function that makes the kernel call emptyFunction once.
func callEmptyFunction() (call func(), close func() error, err error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, nil, err
	}
	prog, err := lsm.Load(&ebpf.ProgramSpec{
		Name: "lsmprof_test_run", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry,
		AttachTo: emptyFunction,
		License:  "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		return nil, nil, err
	}
	// union bpf_attr, as far as all kernels know it.
	attr := struct {
		fd, retval, sizeIn, sizeOut uint32
		in, out                     uint64
		repeat, duration            uint32
	}{fd: uint32(prog.FD())}
	return func() {
		_, _, _ = unix.RawSyscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN,
			uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}, prog.Close, nil
}
