package vmtest

import (
	"bufio"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Copy is a file or folder to carry between host and guest.
type Copy struct{ From, To string }

func readString(s string) io.Reader { return strings.NewReader(s) }

// writeInitramfs writes the guest's root file system: the runner as /init, busybox, the spec and the requested files.
func writeInitramfs(w io.Writer, spec guestSpec, runner, busybox string, in []Copy) error {
	conf, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(w, 1<<20)
	a := archive{cpioWriter{w: buf}, map[string]bool{}}
	for _, dir := range []string{
		"bin", "dev", "etc", "mnt", "proc", "root", "run", "sbin", "sys", "tmp", "usr/bin",
		"usr/sbin", "var/tmp",
	} {
		a.mkdir(dir)
	}
	// The kernel opens /dev/console for process 1 before devtmpfs can be mounted.
	a.charDev("dev/console", device{5, 1})
	a.text(specPath, string(conf))
	a.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
	a.text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
	a.text("/etc/hosts", "127.0.0.1 localhost guest\n::1 localhost\n")
	for _, c := range append([]Copy{{runner, initPath}, {busybox, "/bin/busybox"}}, in...) {
		if err := a.tree(c); err != nil {
			return err
		}
	}
	if err := a.close(); err != nil {
		return err
	}
	return buf.Flush()
}

// archive is a cpioWriter that also writes the parent folders of its files.
type archive struct {
	cpioWriter
	dirs map[string]bool
}

func (a *archive) mkdir(name string) {
	name = strings.Trim(path.Clean(name), "/")
	if name == "" || name == "." || a.dirs[name] {
		return
	}
	a.mkdir(path.Dir(name))
	a.dirs[name] = true
	a.dir(name)
}

func (a *archive) text(name, body string) {
	a.file(strings.TrimPrefix(name, "/"), 0o644, int64(len(body)), readString(body))
}

// tree copies a file, or a folder and everything below it. Files below /tmp and /run would be hidden by the guest's
// mounts.
func (a *archive) tree(c Copy) error {
	to := path.Clean(c.To)
	for _, hidden := range []string{"/tmp", "/run", "/proc", "/sys", "/dev"} {
		if !path.IsAbs(to) || to == hidden || strings.HasPrefix(to, hidden+"/") {
			return fmt.Errorf("cannot copy %s to %s: the guest path must be absolute, and not below "+
				"/tmp, /run, /proc, /sys or /dev, which are mount points; use /data for instance",
				c.From, c.To)
		}
	}
	root, err := filepath.EvalSymlinks(c.From)
	if err != nil {
		return fmt.Errorf("copy to the guest: %w", err)
	}
	return filepath.WalkDir(root, func(host string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("copy to the guest: %w", err)
		}
		rel, err := filepath.Rel(root, host)
		if err != nil {
			return err
		}
		return a.entry(host, path.Join(to, filepath.ToSlash(rel)), e)
	})
}

func (a *archive) entry(host, guest string, e fs.DirEntry) error {
	a.mkdir(path.Dir(guest))
	name := strings.TrimPrefix(guest, "/")
	switch {
	case e.IsDir():
		a.mkdir(name)
	case e.Type() == fs.ModeSymlink:
		target, err := os.Readlink(host)
		if err != nil {
			return err
		}
		a.symlink(name, target)
	case e.Type().IsRegular():
		f, err := os.Open(host)
		if err != nil {
			return fmt.Errorf("copy to the guest: %w", err)
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			return err
		}
		a.file(name, st.Mode(), st.Size(), f)
	}
	return a.err // sockets and devices are skipped
}

// busybox returns a static busybox for the guest. For its own architecture this machine's serves; another is fetched
// once, as kernels are.
func (a Arch) busybox(ctx context.Context, log io.Writer) (string, error) {
	if a.Name == here().Name {
		return findBusybox()
	}
	busybox, err := cached("busybox-"+a.Name, "busybox", func(dir string) error {
		return fetchBusybox(ctx, a, dir, log)
	})
	if err != nil {
		return "", fmt.Errorf("busybox for %s: %w", a.Name, err)
	}
	return busybox, nil
}

func findBusybox() (string, error) {
	const install = "install busybox-static (make deps)"
	bin, err := exec.LookPath("busybox")
	if err != nil {
		return "", errors.New("busybox: not found; " + install)
	}
	if static, err := IsStatic(bin); err != nil || !static {
		return "", errors.Join(err, fmt.Errorf("%s is dynamically linked and the guest has no libraries; %s",
			bin, install))
	}
	return bin, nil
}

// IsStatic reports whether a program runs without a dynamic linker. Guests have none.
func IsStatic(bin string) (bool, error) {
	f, err := elf.Open(bin)
	if err != nil {
		return false, fmt.Errorf("%s: %w", bin, err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return false, nil
		}
	}
	return true, nil
}
