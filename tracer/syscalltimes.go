package tracer

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// SyscallTime is what the calls of one syscall took, of the tasks in one mount namespace: the time that passed in the kernel, in which
// they may have waited. Calls count as the kernel enters them: one that a signal interrupts and that is restarted counts twice. Not in
// it are calls that do not return (exit) and those that were under way at the start or are when it is read.
type SyscallTime struct {
	MntNS   uint32
	Syscall string
	Calls   uint64
	// Preempted are the calls that others took the CPU from. As long as they are fewer than the rest, they count as long as these.
	Preempted uint64
	Ns        uint64
}

func syscallTime(k bpf.SyscallsSyscallKey, t bpf.SyscallsSyscallTime) SyscallTime {
	s := SyscallTime{MntNS: k.Mntns, Syscall: syscallName(uint16(k.Syscall)), Calls: t.Calls + t.Preempted, Preempted: t.Preempted}
	if t.Preempted < t.Calls {
		s.Ns = uint64(float64(t.Ns) / float64(t.Calls) * float64(s.Calls))
	} else {
		s.Ns = t.Ns + t.PreemptedNs
	}
	return s
}

// SyscallClock times the syscalls of some mount namespaces. What it takes itself is in the time of hooks that run meanwhile: never use
// it beside a [Tracer].
type SyscallClock struct {
	objs  bpf.SyscallsObjects
	links []link.Link
}

// StartSyscallClock begins to time the syscalls of tasks that enter them in one of the namespaces.
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
	c := &SyscallClock{}
	if err := spec.LoadAndAssign(&c.objs, &ebpf.CollectionOptions{Cache: kernelTypes}); err != nil {
		return nil, fmt.Errorf("load the programs that time syscalls: %w", lsm.ExplainLoad(err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	// The entries last: what they note is then also seen to end.
	for _, p := range []struct {
		tracepoint string
		program    *ebpf.Program
	}{{"sched_process_exit", c.objs.ForgetTask}, {"sys_exit", c.objs.SyscallExit}, {"sys_enter", c.objs.SyscallEnter}} {
		l, err := link.AttachTracing(link.TracingOptions{Program: p.program, AttachType: ebpf.AttachTraceRawTp})
		if err != nil {
			return nil, fmt.Errorf("attach %s: %w", p.tracepoint, lsm.ExplainLoad(err))
		}
		c.links = append(c.links, l)
	}
	return c, nil
}

// Read returns the times since the start, and how many calls in these namespaces have none: they found no room, or the kernel left out
// one of the two programs.
func (c *SyscallClock) Read() (times []SyscallTime, lost uint64, err error) {
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

// Close detaches.
func (c *SyscallClock) Close() error {
	var all error
	for _, l := range c.links {
		all = errors.Join(all, l.Close())
	}
	return errors.Join(all, c.objs.Close())
}
