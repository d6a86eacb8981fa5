package unixbench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// paddedSize is the size of a libc, in bytes: execl and spawn map the program's own file in place of one
// (suite/dynamic.c).
const paddedSize = 1926232

// Suite is the built-in suite's program in a file. The caller must Close it. It is safe for concurrent use.
type Suite struct{ Path string }

// Extract writes the embedded program to dir/suite. It must be a file, not a memfd: execl must reach it by a path, and
// an enforcer must see that path. The depth of dir matters, as it does for UnixBench: every component costs four calls
// of inode_permission per execl. In a directory that is two deep (/tmp/x) there are nineteen, as for
// /opt/UnixBench/pgms/execl.
func Extract(dir string) (*Suite, error) {
	if len(program) == 0 {
		return nil, fmt.Errorf("the built-in tests exist for amd64 and arm64 only, not for %s: use a built "+
			"byte-unixbench", runtime.GOARCH)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "suite")
	if err := writeProgram(path); err != nil {
		return nil, fmt.Errorf("extract the built-in tests: %w; choose a directory that can be written and "+
			"executed from", err)
	}
	return &Suite{Path: path}, nil
}

// writeProgram prevents forks while the file is open for writing. A child of another goroutine would inherit the
// descriptor, and until it calls exec, the program could not be executed (ETXTBSY).
func writeProgram(path string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	// An older one may be running: it is replaced, not overwritten.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	return errors.Join(WriteProgram(f), f.Close())
}

// Close removes the file. Tests that run go on, except for execl, which needs the file.
func (s *Suite) Close() error {
	if err := os.Remove(s.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
