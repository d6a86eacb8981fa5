package unixbench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/ownns"
)

// killDelay is the time that a test has to clean up after SIGTERM. A shell test waits for its scripts.
const killDelay = 5 * time.Second

// command prepares path in its own process group. When ctx ends, the group gets SIGTERM, so that it removes its
// files, and later SIGKILL.
func command(ctx context.Context, attr *syscall.SysProcAttr, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if attr != nil {
		*cmd.SysProcAttr = *attr
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = killDelay
	return cmd
}

// reap waits for cmd and kills what is left of its group.
func reap(cmd *exec.Cmd) error {
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return err
}

// cpuTime returns the CPU time of a reaped process and of the children that it had reaped.
func cpuTime(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// startIn starts cmd in the mount namespace of pid, or in that of lsmprof's caller for 0, on the given CPUs, or without
// any on all that lsmprof may use. If this process ends for any reason, the kernel kills cmd. The caller calls release
// when cmd has ended.
func startIn(cmd *exec.Cmd, pid int, cpus []int) (release func(), err error) {
	// The kernel sends the signal when the thread ends that started cmd, so that thread has to wait.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started, ended := make(chan error, 1), make(chan struct{})
	go kernel.OnSpareThread(func() {
		started <- startHere(cmd, pid, cpus)
		<-ended
	})
	release = sync.OnceFunc(func() { close(ended) })
	if err := <-started; err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func startHere(cmd *exec.Cmd, pid int, cpus []int) error {
	if len(cpus) > 0 {
		var set unix.CPUSet
		for _, cpu := range cpus {
			set.Set(cpu)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("pin to CPUs %v: %w; choose among those of /proc/self/status, "+
				"Cpus_allowed_list", cpus, err)
		}
	}
	if pid == 0 {
		if err := ownns.EnterCallers(); err != nil {
			return err
		}
	} else if err := enterMountNS(pid); err != nil {
		return fmt.Errorf("enter the mount namespace of process %d: %w; the process must be alive, and "+
			"this needs CAP_SYS_ADMIN", pid, err)
	}
	return cmd.Start()
}

func enterMountNS(pid int) error {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	if err != nil {
		return err
	}
	defer ns.Close()
	// Threads share their root and working directory, which setns changes.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	return os.NewSyscallError("setns", unix.Setns(int(ns.Fd()), unix.CLONE_NEWNS))
}
