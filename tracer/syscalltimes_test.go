package tracer

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func TestPreemptedSyscallsCountAsTheOthers(t *testing.T) {
	key := bpf.SyscallsSyscallKey{Mntns: 7, Syscall: 3}
	for _, c := range []struct {
		in   bpf.SyscallsSyscallTime
		want SyscallTime
	}{
		{bpf.SyscallsSyscallTime{Calls: 10, Ns: 1000}, SyscallTime{Calls: 10, Ns: 1000}},
		{
			bpf.SyscallsSyscallTime{Calls: 8, Ns: 800, Preempted: 2, PreemptedNs: 9000},
			SyscallTime{Calls: 10, Preempted: 2, Ns: 1000},
		},
		{
			bpf.SyscallsSyscallTime{Calls: 1, Ns: 100, Preempted: 9, PreemptedNs: 9000},
			SyscallTime{Calls: 10, Preempted: 9, Ns: 9100},
		},
		{bpf.SyscallsSyscallTime{Preempted: 1, PreemptedNs: 50}, SyscallTime{Calls: 1, Preempted: 1, Ns: 50}},
	} {
		c.want.MntNS, c.want.Syscall = 7, syscallName(3)
		if got := syscallTime(key, c.in); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.in, got, c.want)
		}
	}
}

// The clock reports the time that a call takes without the clock: the part of the tracepoints that is in the reading is
// about as long as the part of entering and leaving the kernel that is not.
func TestIcountSyscallTimesAreTrue(t *testing.T) {
	vmtest.IcountGuest(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer stayOnCPU()()
	const batches, size = 200, 20
	path, err := unix.BytePtrFromString("/proc/version")
	if err != nil {
		t.Fatal(err)
	}
	var files [size]uintptr
	open := func(i int) {
		const cwd = ^uintptr(99) // AT_FDCWD, -100
		files[i], _, _ = unix.RawSyscall(unix.SYS_OPENAT, cwd, uintptr(unsafe.Pointer(path)), unix.O_RDONLY)
	}
	self := uintptr(unix.Getpid())
	getpgid := func(int) { unix.RawSyscall(unix.SYS_GETPGID, self, 0, 0) }
	const none = 5000 // not a syscall: its whole reading is bias
	nothing := func(int) { unix.RawSyscall(none, 0, 0, 0) }
	calls := map[string]func(int){"openat": open, "getpgid": getpgid, "syscall_5000": nothing}
	// took returns the median of batches, most of which are not interrupted.
	took := func(call func(i int), then func()) float64 {
		all := make([]float64, batches)
		for i := range all {
			start := time.Now()
			for n := range size {
				call(n)
			}
			all[i] = float64(time.Since(start)) / size
			for n, file := range files {
				if file > 0 {
					unix.Close(int(file))
				}
				files[n] = 0
			}
			then()
		}
		return median(all).Value
	}
	truth := map[string]float64{}
	for name, call := range calls {
		truth[name] = took(call, func() {})
	}
	ns, err := kernel.MountNamespace("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	clock, err := StartSyscallClock([]uint32{ns})
	if err != nil {
		t.Fatal(err)
	}
	defer clock.Close()
	for name, call := range calls {
		var said []float64
		var before SyscallTime
		took(call, func() {
			times, _, err := clock.Read()
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(times, func(s SyscallTime) bool { return s.Syscall == name })
			said = append(said, float64(times[i].Ns-before.Ns)/float64(times[i].Calls-before.Calls))
			before = times[i]
		})
		m := median(said)
		t.Logf("%s takes %.0f, the clock reads %.0f", name, truth[name], m.Value)
		if name == "openat" && math.Abs(m.Value/truth[name]-1) > 0.05 {
			t.Errorf("%s takes %.0f, the clock reads %.0f", name, truth[name], m.Value)
		}
	}
}
