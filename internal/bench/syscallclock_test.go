package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

// The syscall clock belongs to the tracer, but its tests are here. The tracer's tests run on two virtual CPUs, and
// QEMU's emulation often hangs when one of them patches the kernel's entry code while the other executes it.

// inOwnNamespace calls fn on a thread in its own mount namespace. The thread ends with fn.
func inOwnNamespace(t *testing.T, fn func(mntns uint32)) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good
		if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
			t.Error(err)
			return
		}
		mntns, err := kernel.MountNamespace("/proc/thread-self")
		if err != nil {
			t.Error(err)
			return
		}
		fn(mntns)
	}()
	<-done
}

// timed returns the times of the syscalls of fn in a mount namespace, by name, and the number of calls that were lost.
func timed(t *testing.T, mntns uint32, fn func()) (all map[string]tracer.SyscallTime, lost uint64) {
	t.Helper()
	clock, err := tracer.StartSyscallClock([]uint32{mntns})
	if err != nil {
		t.Error(err)
		return nil, 0
	}
	fn()
	times, lost, err := clock.Read()
	if err != nil {
		t.Error(err)
	}
	if lost > 0 && !vmtest.Guest(t).AtLeast(6, 13) {
		t.Errorf("%d calls were lost on a kernel without preemption", lost)
	}
	if err := clock.Close(); err != nil {
		t.Error(err)
	}
	all = map[string]tracer.SyscallTime{}
	for _, s := range times {
		if s.MntNS != mntns || s.Calls == 0 || s.Ns == 0 {
			t.Errorf("%+v", s)
		}
		all[s.Syscall] = s
	}
	return all, lost
}

// counted reports whether all calls were either timed or lost.
func counted(s tracer.SyscallTime, lost, want uint64) bool {
	return s.Calls <= want && s.Calls+lost >= want
}

func getpgid(n int) {
	for range n {
		unix.RawSyscall(unix.SYS_GETPGID, uintptr(unix.Getpid()), 0, 0)
	}
}

func TestEverySyscallIsTimed(t *testing.T) {
	vmtest.Guest(t)
	before := vmtest.KernelIDs(t)
	const nap = 30 * time.Millisecond
	inOwnNamespace(t, func(mntns uint32) {
		start := time.Now()
		all, lost := timed(t, mntns, func() {
			getpgid(500)
			for range 200 {
				fd, err := unix.Open("/proc/version", unix.O_RDONLY, 0)
				if err != nil {
					t.Error(err)
				}
				unix.Close(fd)
			}
			for range 3 {
				ts := unix.NsecToTimespec(nap.Nanoseconds())
				if err := unix.Nanosleep(&ts, nil); err != nil {
					t.Error(err)
				}
			}
		})
		took := uint64(time.Since(start))
		for name, want := range map[string]uint64{"getpgid": 500, "openat": 200, "close": 200, "nanosleep": 3} {
			if s := all[name]; !counted(s, lost, want) || s.Ns > took {
				t.Errorf("%s: %+v, %d lost, want %d calls within %d ns", name, s, lost, want, took)
			}
		}
		if s := all["nanosleep"]; s.Ns < s.Calls*uint64(nap) {
			t.Errorf("%+v, of at least %s each", s, nap)
		}
	})
	vmtest.NothingNew(t, before)
}

// Calls of other mount namespaces are not timed, nor is a call that was running when the clock started.
func TestSyscallsOfOthersAreNotTimed(t *testing.T) {
	vmtest.Guest(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	entered, ended := make(chan uint32), make(chan struct{})
	var thread int
	go inOwnNamespace(t, func(mntns uint32) {
		defer close(ended)
		thread = unix.Gettid()
		entered <- mntns
		_, _ = unix.Read(int(r.Fd()), make([]byte, 1))
		getpgid(10)
	})
	mntns := <-entered
	vmtest.WaitFor(t, "the thread to be in its call", func() bool {
		number, _ := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", thread))
		return strings.HasPrefix(string(number), fmt.Sprint(unix.SYS_READ, " "))
	})
	all, lost := timed(t, mntns, func() {
		getpgid(1000)
		if _, err := w.Write([]byte{1}); err != nil {
			t.Error(err)
		}
		<-ended
	})
	if !counted(all["getpgid"], lost, 10) || all["read"].Calls != 0 {
		t.Errorf("%+v", all)
	}
}

const execEnv = "LSMPROF_TEST_EXEC_FROM_A_THREAD"

// execFromAThread calls execve on a thread that is not the first one of the process.
func execFromAThread(path string, args ...string) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		go execFromAThread(path, args...)
		select {}
	}
	panic(unix.Exec(path, args, nil))
}

// Some calls end differently: a child returns from a fork that it did not enter, execve returns in another program,
// exit never returns, and a thread that calls execve takes over the id of the first one.
func TestSyscallsOfChildrenAreTimed(t *testing.T) {
	vmtest.Guest(t)
	const busybox = "/bin/busybox"
	if os.Getenv(execEnv) != "" {
		execFromAThread(busybox, "true")
	}
	inOwnNamespace(t, func(mntns uint32) {
		const children = 20
		start := time.Now()
		all, lost := timed(t, mntns, func() {
			for range children {
				pid, err := syscall.ForkExec(busybox, []string{"true"}, nil)
				if err == nil {
					_, err = unix.Wait4(pid, nil, 0, nil)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
		for _, name := range []string{"clone", "execve", "wait4"} {
			if s := all[name]; !counted(s, lost, children) {
				t.Errorf("%s: %+v, %d lost, want %d", name, s, lost, children)
			}
		}
		for _, name := range []string{"exit", "exit_group"} {
			if s, there := all[name]; there {
				t.Errorf("%+v: exit was timed, but it never returns", s)
			}
		}
		for _, s := range all {
			if s.Ns > 2*uint64(time.Since(start)) { // parent and child
				t.Errorf("%+v", s)
			}
		}
		all, lost = timed(t, mntns, func() {
			cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$")
			cmd.Env = append(os.Environ(), execEnv+"=1")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		if s := all["execve"]; !counted(s, lost, 2) {
			t.Errorf("%+v, want the execve of the child and that of its thread", s)
		}
	})
}
