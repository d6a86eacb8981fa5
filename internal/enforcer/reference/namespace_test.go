package reference

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// namespace is a thread in its own mount namespace.
type namespace struct {
	inode uint32
	work  chan func()
}

// newNamespace starts the thread. It ends with the test, because the runtime does not reuse a locked thread.
func newNamespace(t *testing.T) *namespace {
	t.Helper()
	n := &namespace{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread()
		ready <- n.enter()
		for f := range n.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(n.work) })
	return n
}

func (n *namespace) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	info, err := os.Stat("/proc/thread-self/ns/mnt")
	if err != nil {
		return err
	}
	n.inode = uint32(info.Sys().(*syscall.Stat_t).Ino)
	return nil
}

// do runs f on the thread. Processes that f starts are in the namespace as well.
func (n *namespace) do(f func() error) error {
	done := make(chan error)
	n.work <- func() { done <- f() }
	return <-done
}

// confine puts a policy in force in a new namespace until the test ends.
func confine(t *testing.T, p Policy) *namespace {
	t.Helper()
	return confineWith(t, shared(t), p)
}

func confineWith(t *testing.T, e *Enforcer, p Policy) *namespace {
	t.Helper()
	n := newNamespace(t)
	if err := e.Confine(n.inode, p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Release(n.inode); err != nil {
			t.Error(err)
		}
	})
	return n
}

// bothSides checks that f fails with want inside the namespace, or succeeds if want is nil, and that it succeeds
// outside.
func (n *namespace) bothSides(t *testing.T, what string, want error, f func() error) {
	t.Helper()
	if err := n.do(f); !errors.Is(err, want) {
		t.Errorf("inside, %s: %v, want %v", what, err, want)
	}
	if err := f(); err != nil {
		t.Errorf("outside, %s: %v", what, err)
	}
}
