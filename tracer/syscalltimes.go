package tracer

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// SyscallTime is what the calls of one syscall by the tasks in one mount namespace took: the time from entering the
// kernel to leaving it, in which they may have waited. A call that a signal interrupts and that is restarted counts
// twice. Calls that do not return (exit), and those that were running when timing started or when the times are read,
// do not count.
type SyscallTime struct {
	MntNS   uint32
	Syscall string
	Calls   uint64
	// Preempted is how many of the calls were interrupted by other tasks. If they are fewer than the rest, each
	// counts as long as the mean of the rest.
	Preempted uint64
	Ns        uint64 // of all calls
}

func syscallTime(k bpf.SyscallsSyscallKey, t bpf.SyscallsSyscallTime) SyscallTime {
	s := SyscallTime{
		MntNS: k.Mntns, Syscall: syscallName(uint16(k.Syscall)),
		Calls: t.Calls + t.Preempted, Preempted: t.Preempted,
	}
	if t.Preempted < t.Calls {
		s.Ns = uint64(float64(t.Ns) / float64(t.Calls) * float64(s.Calls))
	} else {
		s.Ns = t.Ns + t.PreemptedNs
	}
	return s
}

// SyscallClock times the syscalls of the tasks in some mount namespaces. Its own cost is part of the time of hooks
// that run meanwhile, so it must not run beside a [Tracer]. Its methods must not be called concurrently.
type SyscallClock struct {
	objs  *bpf.SyscallsObjects // nil: closed
	links []link.Link
}

// StartSyscallClock starts to time the syscalls of tasks that enter them in one of the namespaces. It needs root. The
// caller must call [SyscallClock.Close].
func StartSyscallClock(mntns []uint32) (_ *SyscallClock, err error) {
	if len(mntns) == 0 {
		return nil, errors.New("time syscalls: no mount namespace given")
	}
	if err := rlimit.RemoveMemlock(); err != nil { // before 5.11 maps count against it
		return nil, fmt.Errorf("raise RLIMIT_MEMLOCK: %w", err)
	}
	spec, err := bpf.LoadSyscalls()
	if err != nil {
		return nil, fmt.Errorf("read the object that times syscalls: %w", err)
	}
	namespaces := spec.Maps[bpf.SyscallsMapNamespaces]
	namespaces.MaxEntries = uint32(len(mntns))
	for _, ns := range mntns {
		namespaces.Contents = append(namespaces.Contents, ebpf.MapKV{Key: ns, Value: uint32(1)})
	}
	objs := &bpf.SyscallsObjects{}
	if err := spec.LoadAndAssign(objs, &ebpf.CollectionOptions{Cache: kernelTypes}); err != nil {
		return nil, fmt.Errorf("load the programs that time syscalls: %w", lsm.ExplainLoad(err))
	}
	c := &SyscallClock{objs: objs}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	// The entries last, so that every entry that is recorded has its exit.
	for _, p := range []struct {
		tracepoint string
		program    *ebpf.Program
	}{{"sched_process_exit", objs.ForgetTask}, {"sys_exit", objs.SyscallExit}, {"sys_enter", objs.SyscallEnter}} {
		l, err := link.AttachTracing(link.TracingOptions{Program: p.program, AttachType: ebpf.AttachTraceRawTp})
		if err != nil {
			return nil, fmt.Errorf("attach %s: %w", p.tracepoint, lsm.ExplainLoad(err))
		}
		c.links = append(c.links, l)
	}
	return c, nil
}

// Read returns the times since the start, and the number of calls without a time: no entry of the table was free for
// them, or the kernel skipped one of the two programs.
func (c *SyscallClock) Read() (times []SyscallTime, lost uint64, err error) {
	if c.objs == nil {
		return nil, 0, fmt.Errorf("read times of syscalls: %w", os.ErrClosed)
	}
	var key bpf.SyscallsSyscallKey
	var value bpf.SyscallsSyscallTime
	all := c.objs.Times.Iterate()
	for all.Next(&key, &value) {
		times = append(times, syscallTime(key, value))
	}
	if err := all.Err(); err != nil {
		return nil, 0, fmt.Errorf("read times of syscalls: %w", err)
	}
	if err := c.objs.Lost.Lookup(uint32(0), &lost); err != nil {
		return nil, 0, fmt.Errorf("read lost syscalls: %w", err)
	}
	return times, lost, nil
}

// Close detaches the programs. A second call does nothing.
func (c *SyscallClock) Close() error {
	if c.objs == nil {
		return nil
	}
	errs := make([]error, 0, len(c.links)+1)
	for _, l := range c.links {
		errs = append(errs, l.Close())
	}
	errs = append(errs, c.objs.Close())
	c.objs, c.links = nil, nil
	return errors.Join(errs...)
}
