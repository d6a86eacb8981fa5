package accuracy

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Crowded is what reading the counters of many workloads takes.
type Crowded struct {
	Workloads int `json:"workloads"`
	Programs  int `json:"programs"` // targets: before Linux 5.18 the hook, once
	Syscalls  int `json:"syscalls"`
	MemoryMiB int `json:"memory_mib"` // --memory

	Rows   int     `json:"rows"`
	Other  float64 `json:"other_percent"` // of the invocations: under [other]
	Kernel int     `json:"kernel_bytes"`  // the counters
	Heap   uint64  `json:"heap_bytes"`    // of lsmprof, over before

	First    Effort `json:"first_poll"` // all is new
	Idle     Effort `json:"idle_poll"`  // nothing is
	Snapshot Effort `json:"snapshot"`
	During   uint64 `json:"calls_during_snapshot"`
}

// Effort is what something took.
type Effort struct {
	Time time.Duration `json:"ns"`
	CPU  time.Duration `json:"cpu_ns"` // of the whole process
}

// Crowd has so many workloads call so many syscalls, all of which so many programs on inode_permission see, and reads what was
// recorded with a memory of so many MiB. An invocation that is lost is an error.
func Crowd(workloads, programs, syscalls, memory int) (c Crowded, err error) {
	c = Crowded{Workloads: workloads, Syscalls: syscalls, MemoryMiB: memory}
	detach, err := attachMany(programs, []string{"inode_permission"})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, detach()) }()
	t, err := tracer.Start(context.Background(), tracer.Options{Memory: memory << 20})
	if err != nil {
		return c, err
	}
	defer t.Close()
	before := heapInUse()
	end := live(workloads, walks(syscalls))
	defer func() { err = errors.Join(err, end()) }()
	poll := func() { err = errors.Join(err, t.Poll(context.Background())) }
	c.First, c.Idle = effort(poll), effort(poll)
	var snap profile.Snapshot
	beside := callingMeanwhile()
	c.Snapshot = effort(func() {
		var failed error
		snap, failed = t.Snapshot()
		err = errors.Join(err, failed)
	})
	c.During = beside()
	c.Heap = heapInUse() - before
	poll()
	if err != nil {
		return c, err
	}
	c.tell(snap, t.CounterUsage())
	return c, c.complete(snap)
}

// complete fails where a call is missing: of a syscall that nothing else makes all programs have seen as many, as many for each
// workload. What is under [other] has no syscall any more.
func (c *Crowded) complete(snap profile.Snapshot) error {
	if c.Other > 0 {
		return nil
	}
	calls := make([]uint64, len(snap.Programs))
	for i := range snap.Rows {
		if r := &snap.Rows[i]; r.Syscall == "chown" {
			calls[r.Program] += r.Readings.Count() + r.Preempted
		}
	}
	for i, n := range calls {
		if n == 0 || n != calls[0] || n%uint64(c.Workloads) != 0 {
			return fmt.Errorf("program %d: %d invocations in chown, another one %d, in %d workloads", i, n, calls[0], c.Workloads)
		}
	}
	return nil
}

// tell fills in what was recorded.
func (c *Crowded) tell(snap profile.Snapshot, usage []tracer.CounterUsage) {
	var all, other uint64
	for i := range snap.Rows {
		r := &snap.Rows[i]
		all += r.Readings.Count()
		if r.Syscall == profile.SyscallOverflow {
			other += r.Readings.Count()
		} else {
			c.Rows++
		}
	}
	c.Programs, c.Other = len(snap.Programs), 100*float64(other)/float64(max(1, all))
	for _, r := range usage {
		c.Kernel += r.Bytes()
	}
}

// live has so many workloads, each a thread in a mount namespace of its own, do what is to be done, one after the other. All are
// there until end, which says what went wrong: the number of a namespace that is gone is given to a new one.
func live(workloads int, do func()) (end func() error) {
	done := make(chan struct{})
	var g errgroup.Group
	for range workloads {
		ready := make(chan struct{})
		g.Go(func() error {
			defer func() { <-done }()
			defer close(ready)
			runtime.LockOSThread() // and never unlock: the thread ends with its namespace
			if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
				return fmt.Errorf("enter a mount namespace: %w", err)
			}
			do()
			return nil
		})
		<-ready
	}
	return func() error { close(done); return g.Wait() }
}

// callingMeanwhile makes calls until it is told to stop, and says how many they were.
func callingMeanwhile() (stop func() uint64) {
	var over atomic.Bool
	calls := make(chan uint64)
	go func() {
		runtime.LockOSThread()
		walk := walks(1)
		for n := uint64(0); ; n++ {
			if over.Load() {
				calls <- n
				return
			}
			walk()
		}
	}()
	return func() uint64 { over.Store(true); return <-calls }
}

func effort(do func()) Effort {
	cpu, began := kernel.CPUTime(), time.Now()
	do()
	return Effort{time.Since(began), kernel.CPUTime() - cpu}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
