// Package ownns keeps lsmprof out of its own measurements. The probes identify workloads by mount namespace, so
// lsmprof moves into its own mount namespace: its calls then have their own key, at no cost for the
// probes. Commands that it runs on behalf of its caller start in the caller's namespace.
//
// The new namespace is a copy whose mounts stay peers of the caller's, so that mounts propagate as before. File
// descriptors, the working directory and the root directory keep their meaning.
package ownns

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
)

// marker is set in the environment from Enter until the process that Enter executes has started. It holds the
// descriptors of the caller's mount namespace, root directory and working directory.
const marker = "_LSMPROF_CALLER"

// Enter moves this process into its own mount namespace. Threads cannot move together, so Enter moves one and
// executes the program again, with the same arguments and the same process id. It returns nil in the process that
// it executed, or an error if the process stays where it is. It must be called before the program changes any
// state.
func Enter() error {
	if caller() != nil {
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var c callersView
	for i, path := range []string{"/proc/thread-self/ns/mnt", "/", "."} {
		fd, err := unix.Open(path, unix.O_RDONLY, 0) // stays open when the program is executed again
		if err != nil {
			return fmt.Errorf("open %s: %w", path, err)
		}
		defer unix.Close(fd)
		c[i] = fd
	}
	program := executable() // before the move: from another namespace its path would begin at another root
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("create a mount namespace: %w", err)
	}
	env := append(os.Environ(), fmt.Sprintf("%s=%d,%d,%d", marker, c[0], c[1], c[2]))
	err := unix.Exec(program, os.Args, env)
	if back := c.enter(); back != nil {
		panic(back) // the thread must not run other goroutines
	}
	return fmt.Errorf("execute %s again: %w", os.Args[0], err)
}

// executable is the path of this program. The kernel names the process after the last component.
func executable() string {
	path, err := os.Readlink("/proc/self/exe")
	if err != nil || strings.HasSuffix(path, " (deleted)") {
		return "/proc/self/exe"
	}
	return path
}

// callersView holds descriptors of the caller's mount namespace, root directory and working directory.
type callersView [3]int

// caller returns nil unless this process is in its own namespace.
var caller = sync.OnceValue(func() *callersView {
	value := os.Getenv(marker)
	if value == "" {
		return nil
	}
	os.Unsetenv(marker)
	var c callersView
	if _, err := fmt.Sscanf(value, "%d,%d,%d", &c[0], &c[1], &c[2]); err != nil {
		return nil
	}
	for _, fd := range c {
		unix.CloseOnExec(fd)
	}
	return &c
})

// enter moves the current thread.
func (c *callersView) enter() error {
	// Threads share their root and working directory, which setns changes.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare the working directory: %w", err)
	}
	if err := unix.Setns(c[0], unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("enter the mount namespace of the caller: %w", err)
	}
	root, dir := c[1], c[2]
	// setns changes to the root of the namespace, which is the caller's unless that is in a chroot.
	if !sameDirectory(root, "/") {
		if err := unix.Fchdir(root); err != nil {
			return fmt.Errorf("change to the root directory of the caller: %w", err)
		}
		if err := unix.Chroot("."); err != nil {
			return fmt.Errorf("change to the root directory of the caller: %w", err)
		}
	}
	if err := unix.Fchdir(dir); err != nil {
		return fmt.Errorf("change to the working directory of the caller: %w", err)
	}
	return nil
}

// sameDirectory reports whether a descriptor and a path are one directory of one mount. It returns false if it cannot
// tell.
func sameDirectory(fd int, path string) bool {
	const fields = unix.STATX_MNT_ID | unix.STATX_INO // the first since Linux 5.8
	var a, b unix.Statx_t
	if unix.Statx(fd, "", unix.AT_EMPTY_PATH, fields, &a) != nil ||
		unix.Statx(unix.AT_FDCWD, path, 0, fields, &b) != nil {
		return false
	}
	return a.Mask&b.Mask&fields == fields && a.Mnt_id == b.Mnt_id && a.Ino == b.Ino
}

// ID returns the inode number of the mount namespace that only this process lives in, or 0 if it lives in its caller's.
func ID() uint32 {
	if caller() == nil {
		return 0
	}
	id, err := kernel.MountNamespace("/proc/self")
	if err != nil {
		return 0
	}
	return id
}

// EnterCallers moves the current thread into the caller's mount namespace, root and working directory. Processes
// that the thread starts inherit them. The caller must lock the thread, and never unlock it.
func EnterCallers() error {
	if c := caller(); c != nil {
		return c.enter()
	}
	return nil
}

// Start starts cmd in the caller's mount namespace.
func Start(cmd *exec.Cmd) error {
	if caller() == nil {
		return cmd.Start()
	}
	var err error
	kernel.OnSpareThread(func() {
		if err = EnterCallers(); err == nil {
			err = cmd.Start()
		}
	})
	return err
}

// Run starts cmd in the caller's mount namespace and waits for it.
func Run(cmd *exec.Cmd) error {
	if err := Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}
