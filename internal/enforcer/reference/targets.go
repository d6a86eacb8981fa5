package reference

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Targets are mount namespaces to confine. They are held open, because the kernel may give the inode number of a
// namespace that is gone to another container.
type Targets []*target

type target struct {
	handle *os.File
	mntns  uint32
	name   string // what the user asked for: "sh (pid 122)"
}

// HostNamespaceError reports a target whose confinement would confine the machine's own services, or the caller.
type HostNamespaceError struct {
	Target string
	MntNS  uint32
	Whose  string // "the host's own (that of PID 1)"
}

func (e HostNamespaceError) Error() string {
	return fmt.Sprintf("%s: mount namespace %d is %s, so all processes in it would be confined", e.Target,
		e.MntNS, e.Whose)
}

// FindTargets opens the mount namespaces of processes, and those with the given inode numbers, each once. Unless
// confineHost is set, it returns a HostNamespaceError for the namespaces of PID 1 and of the caller. The caller
// must close the targets.
func FindTargets(pids, inodes []uint, confineHost bool) (found Targets, err error) {
	defer func() {
		if err != nil {
			found.Close()
		}
	}()
	add := func(t *target, err error) error {
		if err != nil {
			return err
		}
		for _, other := range found {
			if other.mntns == t.mntns {
				return t.handle.Close()
			}
		}
		found = append(found, t)
		return nil
	}
	for _, pid := range pids {
		if err := add(openProcess(pid)); err != nil {
			return found, err
		}
	}
	for _, inode := range inodes {
		if err := add(searchTarget(inode)); err != nil {
			return found, err
		}
	}
	if !confineHost {
		err = found.refuseHost()
	}
	return found, err
}

func openProcess(pid uint) (*target, error) {
	name := fmt.Sprintf("pid %d", pid)
	if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		name = fmt.Sprintf("%s (pid %d)", text.Printable(strings.TrimSpace(string(comm))), pid)
	}
	return openTarget(fmt.Sprintf("/proc/%d/ns/mnt", pid), name)
}

func openTarget(path, name string) (*target, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such process", name)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: %w. Run as root, with CAP_SYS_PTRACE", name, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return &target{f, uint32(info.Sys().(*syscall.Stat_t).Ino), name}, nil
}

// searchTarget looks for a process in the namespace, so that a mistyped number is an error instead of confining nobody.
func searchTarget(inode uint) (*target, error) {
	name := fmt.Sprintf("mount namespace %d", inode)
	paths, err := filepath.Glob("/proc/[0-9]*/ns/mnt")
	if err != nil {
		return nil, err
	}
	denied := false
	for _, p := range paths {
		t, err := openTarget(p, name)
		if errors.Is(err, fs.ErrPermission) {
			denied = true
		}
		if err != nil {
			continue
		}
		if uint(t.mntns) == inode {
			return t, nil
		}
		t.handle.Close()
	}
	if denied {
		return nil, fmt.Errorf("%s: %w to look at all processes. Run as root, with CAP_SYS_PTRACE", name,
			fs.ErrPermission)
	}
	return nil, fmt.Errorf("%s: no process is in it; `ls -Li /proc/PID/ns/mnt` prints the number of a process",
		name)
}

func (t Targets) refuseHost() error {
	for _, host := range []struct{ path, whose string }{
		{"/proc/1/ns/mnt", "the host's own (that of PID 1)"},
		{"/proc/self/ns/mnt", "the one that lsmprof runs in"},
	} {
		own, err := openTarget(host.path, host.path)
		if err != nil {
			return err
		}
		own.handle.Close()
		for _, target := range t {
			if target.mntns == own.mntns {
				return HostNamespaceError{target.name, own.mntns, host.whose}
			}
		}
	}
	return nil
}

// Confine puts a policy in force in all targets.
func (t Targets) Confine(e *Enforcer, p Policy) error {
	for _, target := range t {
		if err := e.Confine(target.mntns, p); err != nil {
			return err
		}
	}
	return nil
}

// MntNS returns the inode numbers of the targets.
func (t Targets) MntNS() []uint32 {
	var all []uint32
	for _, target := range t {
		all = append(all, target.mntns)
	}
	return all
}

// Names returns the targets for people: "sh (pid 122)" or "mount namespace 4026532211".
func (t Targets) Names() []string {
	var all []string
	for _, target := range t {
		all = append(all, target.name)
	}
	return all
}

// Close releases the namespaces.
func (t Targets) Close() {
	for _, target := range t {
		target.handle.Close()
	}
}
