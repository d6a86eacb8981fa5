package kernel

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// readPseudo reads a file of a kernel file system. If the file system is not mounted at the usual place, as securityfs
// and debugfs in many containers, root reads it through a mount that no other process sees.
func readPseudo(fstype, usual, name string) ([]byte, error) {
	data, err := os.ReadFile(usual + "/" + name)
	if err == nil || os.Geteuid() != 0 {
		return data, err
	}
	mount, mountErr := detachedMount(fstype)
	if mountErr != nil {
		return nil, fmt.Errorf("%w (and no mount of %s: %w)", err, fstype, mountErr)
	}
	defer unix.Close(mount)
	fd, err := unix.Openat(mount, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: usual + "/" + name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	return io.ReadAll(f)
}

// detachedMount mounts a file system without a place in the tree, and returns its descriptor. The mount ends when the
// descriptor is closed. It needs Linux 5.2.
func detachedMount(fstype string) (int, error) {
	fs, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY)
}
