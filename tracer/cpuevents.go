package tracer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/lsm"
)

// cpuEvents are the perf events of all CPUs that are online, which run a program at intervals while the CPU is in the
// kernel.
type cpuEvents struct {
	kind string // cycles:ppp, …, cycles, cpu-clock
	hz   int
	fds  []int
}

// clocks are the events that interrupt a CPU, the most precise first. With `cycles` the processor itself says which
// instruction was interrupted; few virtual machines have that. cpu-clock is a timer of the kernel: it does not reach
// code that runs with interrupts off, but LSM programs and their helpers run with interrupts on.
var clocks = []struct {
	kind      string
	precision uint64 // precise_ip
	hardware  bool
}{
	{"cycles:ppp", 3, true},
	{"cycles:pp", 2, true},
	{"cycles:p", 1, true},
	{"cycles", 0, true},
	{"cpu-clock", 0, false},
}

// openCPUEvents opens the best event that all CPUs have, at a rate that the kernel allows: it lowers that where
// interrupts take long, as on emulated machines. None runs the program until start is called.
func openCPUEvents(hz, cpus int, prog *ebpf.Program) (*cpuEvents, error) {
	var err error
	for _, c := range clocks {
		hz := min(hz, mostSamplesPerSecond())
		attr := unix.PerfEventAttr{
			Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Sample: uint64(hz),
			Bits: unix.PerfBitFreq | unix.PerfBitExcludeUser | unix.PerfBitExcludeHv | unix.PerfBitDisabled,
		}
		if c.hardware {
			attr.Type, attr.Config = unix.PERF_TYPE_HARDWARE, unix.PERF_COUNT_HW_CPU_CYCLES
			attr.Bits |= c.precision << 15
		}
		if c.precision > 0 {
			// The program sees the registers of the precise instruction, from which the stack cannot be
			// unwound any more: the kernel has to take it itself.
			attr.Sample_type = unix.PERF_SAMPLE_CALLCHAIN
		}
		var e *cpuEvents
		if e, err = openOnAll(attr, cpus, prog); err == nil {
			e.kind, e.hz = c.kind, hz
			return e, nil
		}
	}
	return nil, err
}

func openOnAll(attr unix.PerfEventAttr, cpus int, prog *ebpf.Program) (*cpuEvents, error) {
	e := &cpuEvents{}
	for cpu := range cpus {
		fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if errors.Is(err, unix.ENODEV) {
			continue // offline
		}
		if err != nil {
			return nil, errors.Join(explainEvent(err, cpu), e.Close())
		}
		e.fds = append(e.fds, fd)
		if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_SET_BPF, prog.FD()); err != nil {
			return nil, errors.Join(fmt.Errorf("attach to the perf event of CPU %d: %w", cpu, err),
				e.Close())
		}
	}
	if len(e.fds) == 0 {
		return nil, fmt.Errorf("open a perf event: no CPU is online: %w", ErrUnsupported)
	}
	return e, nil
}

// mostSamplesPerSecond returns kernel.perf_event_max_sample_rate.
func mostSamplesPerSecond() int {
	text, _ := os.ReadFile("/proc/sys/kernel/perf_event_max_sample_rate")
	if most, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && most > 0 {
		return most
	}
	return math.MaxInt
}

func explainEvent(err error, cpu int) error {
	switch {
	case errors.Is(err, unix.EINVAL):
		err = fmt.Errorf("%w. The kernel allows %d samples per second (kernel.perf_event_max_sample_rate)", err,
			mostSamplesPerSecond())
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		err = lsm.ExplainLoad(err)
	}
	return fmt.Errorf("open a perf event on CPU %d: %w", cpu, err)
}

// start lets the events run the program.
func (e *cpuEvents) start() error { return e.set(unix.PERF_EVENT_IOC_ENABLE) }

// set enables or disables the events.
func (e *cpuEvents) set(request uint) error {
	for _, fd := range e.fds {
		if err := unix.IoctlSetInt(fd, request, 0); err != nil {
			return fmt.Errorf("enable or disable a perf event: %w", err)
		}
	}
	return nil
}

func (e *cpuEvents) Close() error {
	if e == nil {
		return nil
	}
	var errs []error
	for _, fd := range e.fds {
		errs = append(errs, unix.Close(fd))
	}
	e.fds = nil
	return errors.Join(errs...)
}
