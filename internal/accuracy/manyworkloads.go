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

// ManyWorkloads is what reading the counters of many workloads takes.
type ManyWorkloads struct {
	Workloads int `json:"workloads"`
	Programs  int `json:"programs"` // targets; before Linux 5.18 there is one, the hook
	Syscalls  int `json:"syscalls"`
	MemoryMiB int `json:"memory_mib"` // bound on the counters

	Rows   int     `json:"rows"`
	Other  float64 `json:"other_percent"` // calls that found no free counter
	Kernel int     `json:"kernel_bytes"`  // of counters
	Heap   uint64  `json:"heap_bytes"`    // that lsmprof allocated for them

	First    Effort `json:"first_poll"` // every counter is new
	Idle     Effort `json:"idle_poll"`  // no counter changed
	Snapshot Effort `json:"snapshot"`
	During   uint64 `json:"calls_during_snapshot"`
}

// Effort is what an operation took.
type Effort struct {
	Time time.Duration `json:"ns"`
	CPU  time.Duration `json:"cpu_ns"` // of the whole process
}

// measureManyWorkloads attaches the programs to inode_permission, which each syscall calls, and makes the syscalls in
// each of the workloads. Then it reads the counters, which take memory MiB at most. It fails if a call is missing.
func measureManyWorkloads(workloads, programs, syscalls, memory int) (c ManyWorkloads, err error) {
	c = ManyWorkloads{Workloads: workloads, Syscalls: syscalls, MemoryMiB: memory}
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
	c.fill(snap, t.CounterUsage())
	return c, c.complete(snap)
}

// complete fails if a call is missing. Nothing else calls chown, so that every program must have recorded the same
// number of calls in it, a multiple of the number of workloads. Calls that found no free counter have no syscall:
// then there is nothing to compare.
func (c *ManyWorkloads) complete(snap profile.Snapshot) error {
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
			return fmt.Errorf("program %d recorded %d calls in chown, program 0 %d, of %d workloads", i,
				n, calls[0], c.Workloads)
		}
	}
	return nil
}

// fill fills in what was recorded.
func (c *ManyWorkloads) fill(snap profile.Snapshot, usage []profile.CounterUsage) {
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
		c.Kernel += r.Bytes
	}
}

// live starts the workloads one after the other. Each is a thread in its own mount namespace that calls do. They
// stay until end is called, because the kernel reuses the numbers of namespaces. end returns their errors.
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

// callingMeanwhile makes calls until stop is called, which returns their number.
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
