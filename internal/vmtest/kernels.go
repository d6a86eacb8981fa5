package vmtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Kernels lists the names that Kernel accepts, oldest first, those of arm64 guests last.
var Kernels = []string{
	"5.10", "6.1", "6.12", "newest", Distro, "6.1" + rtSuffix,
	"6.1" + armSuffix, "6.12" + armSuffix, "newest" + armSuffix,
}

// rtSuffix marks kernels with PREEMPT_RT: 6.1-rt.
const rtSuffix = "-rt"

// Distro is the kernel of this machine's own distribution, for machines whose mirrors have no Debian.
const Distro = "distro"

// ErrUnreachable reports a kernel that is neither in the cache nor on the machine's mirrors.
var ErrUnreachable = errors.New("kernel not reachable")

// suites are the Debian suites of each kernel. The newest package in them wins.
func suites(name string) []string {
	switch releaseOf(name) {
	case "5.10":
		if name != "5.10" {
			return nil // what arm64 lacks before Linux 6.4, 6.1 lacks as well
		}
		return []string{"bullseye-security", "bullseye"}
	case "6.1":
		return []string{"bookworm-security", "bookworm"}
	case "6.12":
		return []string{"bookworm-backports"}
	case "newest":
		return []string{"sid"}
	}
	return nil
}

// releaseOf returns the release that a name begins with.
func releaseOf(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, armSuffix), rtSuffix)
}

// Kernel returns the path of a kernel image. The name is one of Kernels, which is fetched once and cached, or a path.
func Kernel(ctx context.Context, name string, log io.Writer) (string, error) {
	if strings.ContainsRune(name, '/') {
		if _, err := os.Stat(name); err != nil {
			return "", fmt.Errorf("kernel: %w", err)
		}
		return name, nil
	}
	if name != Distro && suites(name) == nil {
		return "", fmt.Errorf("kernel %q: want %s, or a path that contains a slash", name,
			strings.Join(Kernels, ", "))
	}
	vmlinuz, err := cached(filepath.Join("kernels", name), "vmlinuz", func(dir string) error {
		return fetchKernel(ctx, name, dir, log)
	})
	if err != nil {
		return "", fmt.Errorf("kernel %s: %w", name, err)
	}
	return vmlinuz, nil
}

// cached returns the path of a file in a folder of the cache. If it is missing, fetch must write it to that folder.
func cached(folder, name string, fetch func(dir string) error) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, folder)
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(file); err == nil {
		return file, nil // another process fetched it meanwhile
	}
	if err := fetch(dir); err != nil {
		return "", err
	}
	return file, nil
}

// KernelVersion returns the package version of a cached kernel, or "" for a path.
func KernelVersion(vmlinuz string) string {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(vmlinuz), "version"))
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(text))
}

func cacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w; set XDG_CACHE_HOME", err)
	}
	dir := filepath.Join(base, "lsmprof")
	return dir, os.MkdirAll(filepath.Join(dir, "kernels"), 0o755)
}

// lock waits for other processes that fetch the same file.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return func() { f.Close() }, nil
}
