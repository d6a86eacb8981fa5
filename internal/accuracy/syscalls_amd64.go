package accuracy

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// nowhere is a path that does not exist. The kernel calls inode_permission for each directory on the way.
var (
	nowhere = append([]byte("/tmp/nowhere/file"), 0)
	nothing = append([]byte("user.nothing"), make([]byte, 256)...)
)

// byPath are syscalls whose first argument is a path, byName those with a path and a name, byDirectory those with a
// descriptor and a path.
var (
	byPath = []uintptr{
		unix.SYS_OPEN, unix.SYS_CHOWN, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_ACCESS, unix.SYS_MKDIR,
		unix.SYS_RMDIR, unix.SYS_CREAT, unix.SYS_UNLINK, unix.SYS_CHMOD, unix.SYS_LCHOWN, unix.SYS_CHDIR,
		unix.SYS_CHROOT, unix.SYS_TRUNCATE, unix.SYS_UTIME, unix.SYS_MKNOD, unix.SYS_STATFS, unix.SYS_UMOUNT2,
		unix.SYS_EXECVE, unix.SYS_UTIMES,
	}
	byName = []uintptr{
		unix.SYS_GETXATTR, unix.SYS_LGETXATTR, unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_REMOVEXATTR,
		unix.SYS_LREMOVEXATTR, unix.SYS_LISTXATTR, unix.SYS_LLISTXATTR, unix.SYS_READLINK,
	}
	byDirectory = []uintptr{
		unix.SYS_OPENAT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_FCHOWNAT, unix.SYS_FUTIMESAT,
		unix.SYS_NEWFSTATAT, unix.SYS_UNLINKAT, unix.SYS_FCHMODAT, unix.SYS_FACCESSAT, unix.SYS_UTIMENSAT,
		unix.SYS_STATX,
	}
)

// walks returns a function that makes the first N of these syscalls, all of which fail.
func walks(syscalls int) func() {
	path, name := uintptr(unsafe.Pointer(&nowhere[0])), uintptr(unsafe.Pointer(&nothing[0]))
	var calls [][4]uintptr
	for _, nr := range byPath {
		calls = append(calls, [4]uintptr{nr, path})
	}
	for _, nr := range byName {
		calls = append(calls, [4]uintptr{nr, path, name, 8})
	}
	here := unix.AT_FDCWD
	for _, nr := range byDirectory {
		calls = append(calls, [4]uintptr{nr, uintptr(here), path})
	}
	calls = calls[:min(syscalls, len(calls))]
	return func() {
		for _, c := range calls {
			unix.RawSyscall6(c[0], c[1], c[2], c[3], 0, 0, 0)
		}
	}
}

// rawOpen opens a file for reading, without involving Go's scheduler.
func rawOpen(name *byte) (fd uintptr, _ unix.Errno) {
	fd, _, errno := unix.RawSyscall(unix.SYS_OPEN, uintptr(unsafe.Pointer(name)), unix.O_RDONLY, 0)
	return fd, errno
}

func rawRename(from, to *byte) unix.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_RENAME, uintptr(unsafe.Pointer(from)), uintptr(unsafe.Pointer(to)), 0)
	return errno
}

// oldOpens opens a file with the syscalls that only amd64 has.
func oldOpens(path string) {
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return
	}
	for _, nr := range []uintptr{unix.SYS_CREAT, unix.SYS_OPEN} {
		if fd, _, errno := unix.RawSyscall(nr, uintptr(unsafe.Pointer(name)), 0o600, 0); errno == 0 {
			unix.Close(int(fd))
		}
	}
}
