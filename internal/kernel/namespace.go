package kernel

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// MountNamespace returns the inode number of a process's mount namespace. The process is given as its directory in /proc.
func MountNamespace(dir string) (uint32, error) {
	link, err := os.Readlink(filepath.Join(dir, "ns/mnt"))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(link, "mnt:["), "]"), 10, 32)
	return uint32(n), err
}
