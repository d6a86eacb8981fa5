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

// Kernels lists the names that Kernel accepts, oldest first.
var Kernels = []string{"5.10", "6.1", "6.12", "newest", Distro}

// Distro is the kernel of this machine's own distribution, for machines whose mirrors have no Debian.
const Distro = "distro"

// ErrUnreachable reports a kernel that is neither in the cache nor on the machine's mirrors.
var ErrUnreachable = errors.New("kernel not reachable")

// suites are the Debian suites of each kernel. The newest package in them wins.
func suites(name string) []string {
	switch name {
	case "5.10":
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
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "kernels", name)
	vmlinuz := filepath.Join(dir, "vmlinuz")
	if _, err := os.Stat(vmlinuz); err == nil {
		return vmlinuz, nil
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(vmlinuz); err == nil {
		return vmlinuz, nil // another process fetched it meanwhile
	}
	if err := fetchKernel(ctx, name, dir, log); err != nil {
		return "", fmt.Errorf("kernel %s: %w", name, err)
	}
	return vmlinuz, nil
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

// lock waits for other processes that fetch the same kernel.
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
