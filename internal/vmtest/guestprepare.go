package vmtest

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mountAll mounts the file systems that every machine has.
func mountAll() error {
	for _, m := range []struct{ fstype, on string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"devtmpfs", "/dev"},
		{"devpts", "/dev/pts"},
		{"tmpfs", "/dev/shm"},
		{"tmpfs", "/tmp"},
		{"tmpfs", "/run"},
		{"securityfs", "/sys/kernel/security"},
		{"tracefs", "/sys/kernel/tracing"},
		{"bpf", "/sys/fs/bpf"},
		{"cgroup2", "/sys/fs/cgroup"},
	} {
		if err := os.MkdirAll(m.on, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.fstype, m.on, m.fstype, 0, ""); err != nil {
			return fmt.Errorf("mount %s on %s: %w", m.fstype, m.on, err)
		}
	}
	return os.Chmod("/tmp", 0o1777)
}

func prepare(spec guestSpec) error {
	os.Setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	os.Setenv("HOME", "/root")
	os.Setenv("TERM", "dumb")
	os.Setenv(envGuest, spec.Kernel)
	if spec.Icount {
		os.Setenv(envIcount, "1")
	}
	if err := unix.Sethostname([]byte("guest")); err != nil {
		return fmt.Errorf("set hostname: %w", err)
	}
	if out, err := exec.Command("/bin/busybox", "--install", "-s").CombinedOutput(); err != nil {
		return fmt.Errorf("busybox --install: %w: %s", err, out)
	}
	if out, err := exec.Command("/bin/busybox", "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("bring up lo: %w: %s", err, out)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 16, Max: 1 << 16}); err != nil {
		return fmt.Errorf("raise the file limit: %w", err)
	}
	// An emulated CPU is slow: the kernel would lower the rate of perf's events until tests of lines see none.
	// Kernels without perf lack the file.
	const perf = "/proc/sys/kernel/perf_cpu_time_max_percent"
	if err := os.WriteFile(perf, []byte("0"), 0o644); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep the rate of perf's events: %w", err)
	}
	if !spec.Icount {
		return nil
	}
	// Until then amd64 kernels refine tsc-early, and every time read from it is wrong.
	const clock = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
	want := here().clock
	return waitFor("clocksource "+want+", without which no instruction count is right", 5*time.Minute,
		func() bool {
			now, err := os.ReadFile(clock)
			return err == nil && strings.TrimSpace(string(now)) == want
		})
}

// saveFiles writes a tar of the paths to the raw disk. A path that does not exist is no error: the command may have
// failed before it wrote it, and its exit status says so.
func saveFiles(paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	err := waitFor("disk "+outDisk, 5*time.Minute, func() bool {
		_, err := os.Stat(outDisk)
		return err == nil
	})
	if err != nil {
		return err
	}
	disk, err := os.OpenFile(outDisk, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer disk.Close()
	buf := bufio.NewWriterSize(disk, 1<<20)
	tw := tar.NewWriter(buf)
	for i, p := range paths {
		if err := tarTree(tw, p, fmt.Sprint(i)); err != nil {
			return fmt.Errorf("save %s: %w", p, err)
		}
	}
	if err := errors.Join(tw.Close(), buf.Flush()); err != nil {
		return fmt.Errorf("save files: %w", err)
	}
	return disk.Sync()
}

// tarTree adds root, a file or a folder, under the name.
func tarTree(tw *tar.Writer, root, name string) error {
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !(e.IsDir() || e.Type().IsRegular()) {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		h, err := tar.FileInfoHeader(st, "")
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		h.Name = filepath.Join(name, rel)
		if err := tw.WriteHeader(h); err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyN(tw, f, h.Size)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
