package tracer

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// live starts n threads, each in its own mount namespace, and calls do in each. They stay until the test ends,
// because the kernel reuses the numbers of namespaces.
func live(t *testing.T, n int, do func()) {
	t.Helper()
	end := make(chan struct{})
	var g errgroup.Group
	t.Cleanup(func() {
		close(end)
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	for range n {
		ready := make(chan struct{})
		g.Go(func() error {
			defer func() { <-end }()
			defer close(ready)
			runtime.LockOSThread() // never unlocked: the thread ends with its namespace
			if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
				return err
			}
			do()
			return nil
		})
		<-ready
	}
}

// doOnCPU calls do on a CPU.
func doOnCPU(cpu int, do func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	do()
	return unix.SchedSetaffinity(0, &before)
}

func onBothCPUs(t *testing.T, do func()) {
	t.Helper()
	var g errgroup.Group
	for cpu := range 2 {
		g.Go(func() error { return doOnCPU(cpu, do) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// mountNamespace returns the one of this thread. That of the process, which is its first thread's, may be another one:
// tests have threads that leave it.
func mountNamespace(t *testing.T) uint32 {
	t.Helper()
	ns, err := kernel.MountNamespace("/proc/thread-self")
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

// recorded adds up what a snapshot has of getpgid, by mount namespace; [other] is 0.
func recorded(s profile.Snapshot) map[uint32]uint64 {
	calls := map[uint32]uint64{}
	for i := range s.Rows {
		if r := &s.Rows[i]; r.Syscall == "getpgid" || r.Syscall == profile.SyscallOverflow {
			calls[r.Workload.MntNS] += r.Readings.Count() + r.Preempted
		}
	}
	return calls
}

// sharedCalls returns the calls that the shared counters of a namespace hold.
func (c *counters) sharedCalls(mntns uint32) (n uint64) {
	for i := c.layout.sharedFirst(); i < c.layout.counters(); i++ {
		if counter := c.at(i); uint32(counter.Tag) == mntns {
			n += uint64(counter.Preempted)
			for _, readings := range counter.Readings {
				n += uint64(readings)
			}
		}
	}
	return n
}

// Two CPUs charge one shared counter at a time, and claim shared counters for the same keys at the same time. No call
// is lost.
func TestTwoCPUsShareCounters(t *testing.T) {
	if !vmtest.TwoCPUsGuest(t).AtLeast(5, 18) {
		t.Skip("hook probes have no shared counters")
	}
	lsmProgram(t, "shared", "task_getpgid", 0, deny()...)
	const calls, namespaces, each = 30_000, 200, 20
	tr, err := Start(preemptible(true), Options{Memory: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	// The first namespaces fill the fronts, the others claim shared counters.
	live(t, namespaces, func() {
		var g errgroup.Group
		own := unix.Gettid()
		for cpu := range 2 {
			g.Go(func() error {
				runtime.LockOSThread() // the thread ends with the namespace that it enters
				fd, err := unix.Open(fmt.Sprintf("/proc/self/task/%d/ns/mnt", own),
					unix.O_RDONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					return err
				}
				defer unix.Close(fd)
				if err := unix.Unshare(unix.CLONE_FS); err != nil {
					return err
				}
				if err := unix.Setns(fd, unix.CLONE_NEWNS); err != nil {
					return err
				}
				return doOnCPU(cpu, func() { getpgid(each) })
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	onBothCPUs(t, func() { getpgid(calls) })
	if err := tr.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	got := recorded(s)
	own := mountNamespace(t)
	if got[own] != 2*calls {
		t.Errorf("%d calls on two CPUs, want %d", got[own], 2*calls)
	}
	shared := tr.set.order[0].probe.counters.sharedCalls(own)
	t.Logf("%d of %d calls are in shared counters", shared, 2*calls)
	if shared == 0 {
		t.Error("no call was charged to a shared counter")
	}
	if len(got) != namespaces+1 || got[0] > 0 {
		t.Errorf("%d namespaces, %d calls under [other]; want %d and none", len(got), got[0], namespaces+1)
	}
	for ns, n := range got {
		if ns != own && n != 2*each {
			t.Errorf("%d calls in namespace %d, want %d", n, ns, 2*each)
		}
	}
	var denials uint64
	for i := range s.Rows {
		denials += s.Rows[i].Denials
	}
	if want := s.Programs[0].Calls(); denials != want {
		t.Errorf("%d denials in %d calls, want all denied", denials, want)
	}
}

// Some kernels refuse map values of more than 4 MiB. There probes with more counters look them up, and count the same.
func TestCountersThatDoNotFitAMapValue(t *testing.T) {
	if !vmtest.Guest(t).AtLeast(5, 18) {
		t.Skip("hook probes always look their counters up")
	}
	lsmProgram(t, "large", "task_getpgid", 0, allow()...)
	const calls, tooMuch = 1000, 1 << 31
	no := false
	for _, o := range []kernel.Override{{Preemptible: &no}, {Preemptible: &no, SmallValues: true}} {
		tr, err := Start(kernel.WithOverride(context.Background(), o), Options{Memory: 256 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		getpgid(calls)
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
		s, err := tr.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if got := recorded(s)[mountNamespace(t)]; got != calls {
			t.Errorf("%d calls, want %d", got, calls)
		}
		if u := tr.CounterUsage(); u[0].Bytes != 16<<20 {
			t.Errorf("%d bytes of counters, want 16 MiB", u[0].Bytes)
		}
		// An array of one value lies in one map, one of counters has an entry for each.
		inline := tr.set.order[0].probe.counters.m.MaxEntries() == 1
		if inline == o.SmallValues {
			t.Errorf("all counters are in one map value: %v, and it was refused: %v", inline,
				o.SmallValues)
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if fits := valueFits(machine{}); !fits(4<<20) || fits(tooMuch) {
		t.Errorf("4 MiB fit: %v, 2 GiB fit: %v", fits(4<<20), fits(tooMuch))
	}
}

// A CPU that comes online later has no front. Its calls are in shared counters or, when these are full, under [other].
func TestTwoCPUsOneComesOnline(t *testing.T) {
	if !vmtest.TwoCPUsGuest(t).AtLeast(5, 18) {
		t.Skip("hook probes have a front for every possible CPU")
	}
	const file, calls, namespaces, each = "/sys/devices/system/cpu/cpu1/online", 10_000, 150, 7
	lsmProgram(t, "hotplug", "task_getpgid", 0, allow()...)
	if err := os.WriteFile(file, []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	tr, err := Start(preemptible(true), Options{Memory: 1})
	if err := os.WriteFile(file, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := doOnCPU(1, func() { getpgid(calls) }); err != nil {
		t.Fatal(err)
	}
	live(t, namespaces, func() {
		if err := doOnCPU(1, func() { getpgid(each) }); err != nil {
			t.Error(err)
		}
	})
	if err := tr.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	got := recorded(s)
	if own := mountNamespace(t); got[own] != calls {
		t.Errorf("%d calls, want %d", got[own], calls)
	}
	if got[0] == 0 || got[0]%each != 0 {
		t.Errorf("%d calls under [other], want all of some namespaces", got[0])
	}
	if n := s.Programs[0].Calls(); n != calls+namespaces*each {
		t.Errorf("%d calls in all, want %d", n, calls+namespaces*each)
	}
}
