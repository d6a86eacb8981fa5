//go:build !amd64

package accuracy

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

var here = unix.AT_FDCWD // a variable: as a constant it is negative and does not fit uintptr

// rawOpen opens a file for reading, without involving Go's scheduler.
func rawOpen(name *byte) (fd uintptr, _ unix.Errno) {
	fd, _, errno := unix.RawSyscall6(unix.SYS_OPENAT, uintptr(here), uintptr(unsafe.Pointer(name)), unix.O_RDONLY,
		0, 0, 0)
	return fd, errno
}

func rawRename(from, to *byte) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_RENAMEAT2, uintptr(here), uintptr(unsafe.Pointer(from)),
		uintptr(here), uintptr(unsafe.Pointer(to)), 0, 0)
	return errno
}

// walks returns a function that walks a path that does not exist, with one syscall. The larger set of syscalls needs
// the older ones, which only amd64 has.
func walks(int) func() {
	return func() { _ = unix.Access("/tmp/nowhere/file", unix.F_OK) }
}

// oldOpens does nothing: only amd64 has these syscalls.
func oldOpens(string) {}
