package unixbench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// paddedSize is a libc's: execl and spawn map the program's own file in its place (suite/dynamic.c), as far as that goes.
const paddedSize = 1926232

// Suite is the built-in suite's program in a file.
type Suite struct{ Path string }

// Extract writes the embedded program to dir/suite. A file, not a memfd: execl must reach it by a path, and an enforcer must see
// one. The depth of dir counts, here as for UnixBench: every component is four inode_permission per execl. Two deep (/tmp/x), they are
// nineteen, as those of /opt/UnixBench/pgms/execl.
func Extract(dir string) (*Suite, error) {
	if len(program) == 0 {
		return nil, fmt.Errorf("the built-in tests are not there for %s, only for amd64 and arm64: give --unixbench a built byte-unixbench", runtime.GOARCH)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "suite")
	if err := writeProgram(path); err != nil {
		return nil, fmt.Errorf("extract the built-in tests: %w; choose a directory that can be written and executed from", err)
	}
	return &Suite{Path: path}, nil
}

// writeProgram holds off forks while the file is open for writing: a child of another goroutine would inherit the descriptor, and
// until it has called exec the program could not be executed (ETXTBSY).
func writeProgram(path string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	// Away with an older one, which may be running.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	return errors.Join(WriteProgram(f), f.Close())
}

// Close removes the file; what runs goes on, except for execl, which needs it.
func (s *Suite) Close() error {
	if err := os.Remove(s.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
