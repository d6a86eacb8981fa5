package kernel

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// MountNamespace returns the inode number of a process's mount namespace. The process is given as its directory in
// /proc.
func MountNamespace(dir string) (uint32, error) { return Namespace(dir, "mnt") }

// Namespace returns the inode number of one of a process's namespaces. The kind is a name in /proc/PID/ns, such as
// "mnt" or "pid_for_children".
func Namespace(dir, kind string) (uint32, error) {
	link, err := os.Readlink(filepath.Join(dir, "ns", kind))
	if err != nil {
		return 0, err
	}
	// The link reads mnt:[4026531841].
	_, number, found := strings.Cut(strings.TrimSuffix(link, "]"), ":[")
	n, err := strconv.ParseUint(number, 10, 32)
	if !found || err != nil {
		return 0, fmt.Errorf("%s namespace %q has no number", kind, link)
	}
	return uint32(n), nil
}

// InInitialPIDNamespace reports whether this process uses the pids that the kernel uses itself.
func InInitialPIDNamespace() bool {
	const initial = 0xEFFFFFFC // PROC_PID_INIT_INO of the kernel
	n, err := Namespace("/proc/self", "pid")
	return err == nil && n == initial
}
