package accuracy

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Node is what a node with many CPUs and many confined workloads takes, with the default memory.
type Node struct {
	Possible  int `json:"possible_cpus"`
	Online    int `json:"online_cpus"` // how many there seem to be; the guest has one
	Workloads int `json:"workloads"`

	Calls   uint64  `json:"calls"` // of the workloads
	Rows    int     `json:"rows"`
	Other   float64 `json:"other_percent"`  // calls that found no free counter
	Shared  float64 `json:"shared_percent"` // of all calls, charged to counters that all CPUs share
	Kernel  int     `json:"kernel_bytes"`   // of counters
	Heap    int     `json:"heap_bytes"`     // of lsmprof, after a garbage collection
	RSS     int     `json:"rss_bytes"`      // of lsmprof
	Idle    float64 `json:"idle_percent"`   // of a CPU, that lsmprof takes while nothing happens
	Polling float64 `json:"idle_poll_ns"`   // CPU time of a poll while nothing happens
}

// MeasureNode runs the reference enforcer with eight rules of each type for every workload, and a mix of syscalls that
// reaches all of its hooks in each. It measures as if online CPUs were online.
func MeasureNode(online, workloads int) (n Node, err error) {
	n = Node{Online: online, Workloads: workloads}
	if n.Possible, err = ebpf.PossibleCPU(); err != nil {
		return n, err
	}
	e, err := reference.Load()
	if err != nil {
		return n, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := e.Attach(); err != nil {
		return n, err
	}
	dir, err := os.MkdirTemp("", "node")
	if err != nil {
		return n, err
	}
	defer os.RemoveAll(dir)
	registry := inforce.New(nil)
	defer registry.Close()
	ctx := kernel.WithOverride(context.Background(), kernel.Override{OnlineCPUs: online})
	t, err := tracer.Start(ctx, tracer.Options{Enforcers: registry})
	if err != nil {
		return n, err
	}
	defer t.Close()
	var failed error
	end := live(workloads, func() {
		ns, err := kernel.MountNamespace("/proc/thread-self")
		if err == nil {
			err = e.Confine(ns, reference.Policy{
				Fillers: enforcer.Rules{File: 8, Exec: 8, Net: 8, Mount: 8, Cap: 8, Ptrace: 1},
			})
		}
		failed = errors.Join(failed, err)
		for range 2 {
			podCalls(dir)
		}
	})
	defer func() { err = errors.Join(err, end()) }()
	polls := func(count int) {
		for range count {
			failed = errors.Join(failed, t.Poll(ctx))
			time.Sleep(tracer.PollInterval)
		}
	}
	polls(5)
	idle := effort(func() { polls(10) })
	if failed != nil {
		return n, failed
	}
	n.Idle = 100 * float64(idle.CPU) / float64(idle.Time)
	n.Polling = float64(idle.CPU) / 10
	return n, n.fill(t)
}

// fill fills in what was recorded in other mount namespaces than lsmprof's.
func (n *Node) fill(t *tracer.Tracer) error {
	s, err := t.Snapshot()
	if err != nil {
		return err
	}
	own, err := kernel.MountNamespace("/proc/thread-self")
	if err != nil {
		return err
	}
	var other, all, shared uint64
	for i := range s.Rows {
		r := &s.Rows[i]
		calls := r.Readings.Count() + r.Preempted
		all += calls
		switch {
		case r.Syscall == profile.SyscallOverflow:
			other += calls
		case r.Workload.MntNS == own:
			continue
		}
		n.Calls += calls
		n.Rows++
	}
	n.Other = 100 * float64(other) / float64(max(1, n.Calls))
	for _, u := range t.CounterUsage() {
		n.Kernel += u.Bytes
		shared += u.SharedCalls
	}
	n.Shared = 100 * float64(shared) / float64(max(1, all))
	if n.RSS, err = residentMemory(); err != nil {
		return err
	}
	n.Heap = int(heapInUse())
	runtime.KeepAlive(s)
	return nil
}

func residentMemory() (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(status, []byte("VmRSS:"))
	fields := bytes.Fields(after)
	if len(fields) == 0 {
		return 0, errors.New("/proc/self/status has no VmRSS")
	}
	kib, err := strconv.Atoi(string(fields[0]))
	return kib << 10, err
}

// podCalls makes the calls of a busy pod: most of the reference enforcer's hooks, from about 35 syscalls. Some fail.
func podCalls(dir string) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	ignore := func(...any) {}
	closed := func(fd int, err error) {
		if err == nil {
			unix.Close(fd)
		}
	}
	for range 20 {
		closed(unix.Openat(unix.AT_FDCWD, "/proc/version", unix.O_RDONLY|unix.O_CLOEXEC, 0))
	}
	closed(unix.Openat2(unix.AT_FDCWD, "/proc/version", &unix.OpenHow{Flags: unix.O_RDONLY}))
	oldOpens(a)
	closed(unix.Openat(unix.AT_FDCWD, a, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600))
	ignore(unix.Link(a, b), unix.Unlink(b), unix.Linkat(unix.AT_FDCWD, a, unix.AT_FDCWD, b, 0), unix.Unlink(b))
	ignore(unix.Rename(a, b), unix.Renameat(unix.AT_FDCWD, b, unix.AT_FDCWD, a),
		unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, 0))
	ignore(unix.Symlink(b, a), unix.Unlink(a), unix.Symlinkat(b, unix.AT_FDCWD, a), unix.Unlink(a))
	ignore(unix.Chmod(b, 0o644), unix.Chown(b, 1, 1), unix.Lchown(b, 2, 2), unix.Fchownat(unix.AT_FDCWD, b, 0, 0,
		0),
		unix.Fchmodat(unix.AT_FDCWD, b, 0o4755, 0), unix.Setxattr(b, "trusted.node", []byte("x"), 0),
		unix.Unlink(b))
	for nr, args := range map[uintptr][3]uintptr{
		unix.SYS_SETUID: {}, unix.SYS_SETGID: {}, unix.SYS_SETGROUPS: {}, unix.SYS_SETREUID: {},
		unix.SYS_SETRESUID: {},
		unix.SYS_SETFSUID:  {}, unix.SYS_SETHOSTNAME: {}, unix.SYS_SYSLOG: {3}, unix.SYS_SETPRIORITY: {0, 0, 0},
		unix.SYS_SCHED_SETAFFINITY: {},
	} {
		_, _, _ = unix.RawSyscall(nr, args[0], args[1], args[2])
	}
	if s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err == nil {
		ignore(unix.Bind(s, &unix.SockaddrInet4{Port: 80, Addr: [4]byte{127, 0, 0, 1}}),
			unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_MARK, 1),
			unix.Connect(s, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}))
		unix.Close(s)
	}
	if pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); err == nil {
		unix.Close(pair[0])
		unix.Close(pair[1])
	}
	ignore(unix.Chroot("/"), unix.Kill(1, 0))
	closed(unix.Open("/proc/1/environ", unix.O_RDONLY, 0))
	ignore(unix.Mount("none", "/mnt", "tmpfs", 0, ""), unix.Unmount("/mnt", 0))
}
