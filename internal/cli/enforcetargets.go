package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/text"
)

// targets are mount namespaces, held open: a namespace that is gone may leave its inode number to another container.
type targets []*target

type target struct {
	handle *os.File
	mntns  uint32
	what   string // the flag that chose it
	pid    uint   // of --pid; 0: chosen by the inode number
}

// findTargets finds the namespaces, each once.
func findTargets(pids, inodes []uint, confineHost bool) (found targets, err error) {
	defer func() {
		if err != nil {
			found.close()
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
		t, err := openTarget(fmt.Sprintf("/proc/%d/ns/mnt", pid), fmt.Sprintf("--pid %d", pid))
		if err == nil {
			t.pid = pid
		}
		if err := add(t, err); err != nil {
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

func openTarget(path, what string) (*target, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such process", what)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s: %w; run as root, with CAP_SYS_PTRACE", what, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &target{handle: f, mntns: uint32(info.Sys().(*syscall.Stat_t).Ino), what: what}, nil
}

// searchTarget finds a process in the namespace: a mistyped number would otherwise confine nobody in silence.
func searchTarget(inode uint) (*target, error) {
	what := fmt.Sprintf("--mntns %d", inode)
	paths, err := filepath.Glob("/proc/[0-9]*/ns/mnt")
	if err != nil {
		return nil, err
	}
	denied := false
	for _, p := range paths {
		t, err := openTarget(p, what)
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
		return nil, fmt.Errorf("%s: %w to look at all processes; run as root, with CAP_SYS_PTRACE", what, fs.ErrPermission)
	}
	return nil, fmt.Errorf("%s: no process is in that mount namespace; `ls -Li /proc/PID/ns/mnt` shows the number", what)
}

// refuseHost refuses the namespaces whose confinement would confine the machine's own services, or this shell.
func (t targets) refuseHost() error {
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
				return usageError{fmt.Errorf("%s: mount namespace %d is %s, and its processes would all be confined; "+
					"give a process in a container, or --confine-host", target.what, own.mntns, host.whose)}
			}
		}
	}
	return nil
}

func (t targets) confine(e *reference.Enforcer, p reference.Policy) error {
	for _, target := range t {
		if err := e.Confine(target.mntns, p); err != nil {
			return err
		}
	}
	return nil
}

func (t targets) inodes() []uint32 {
	var all []uint32
	for _, target := range t {
		all = append(all, target.mntns)
	}
	return all
}

// names are the namespaces as a user chose them: "sh (pid 122)", "mount namespace 4026532".
func (t targets) names() []string {
	var all []string
	for _, target := range t {
		name := fmt.Sprintf("mount namespace %d", target.mntns)
		if target.pid != 0 {
			comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", target.pid))
			if name = fmt.Sprintf("pid %d", target.pid); err == nil {
				name = fmt.Sprintf("%s (pid %d)", text.Printable(strings.TrimSpace(string(comm))), target.pid)
			}
		}
		all = append(all, name)
	}
	return all
}

func (t targets) close() {
	for _, target := range t {
		target.handle.Close()
	}
}
