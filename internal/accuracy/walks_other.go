//go:build !amd64

package accuracy

import "golang.org/x/sys/unix"

// walks returns a function that walks a path that does not exist, with one syscall. The larger set of syscalls needs the
// older ones, which only amd64 has.
func walks(int) func() {
	return func() { _ = unix.Access("/tmp/nowhere/file", unix.F_OK) }
}
