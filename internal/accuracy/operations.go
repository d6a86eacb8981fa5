package accuracy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// getpgid returns a getpgid(2) of this process. With pid 0 the kernel would not call the hook.
func getpgid() (*operation, error) {
	self := uintptr(unix.Getpid())
	return &operation{
		name: "getpgid", hooks: []string{"task_getpgid"}, size: 25, batches: 2000,
		do: func(n int) error {
			for range n {
				if _, _, errno := unix.RawSyscall(unix.SYS_GETPGID, self, 0, 0); errno != 0 {
					return errno
				}
			}
			return nil
		},
	}, nil
}

// openClose returns an open and close of a file, depth names below the root.
func openClose(depth int) func() (*operation, error) {
	return func() (*operation, error) {
		dir, err := os.MkdirTemp("/", "acc")
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, strings.Repeat("d/", depth-2), "file")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return nil, err
		}
		name, err := unix.BytePtrFromString(path)
		if err != nil {
			return nil, err
		}
		return &operation{
			name:  fmt.Sprintf("open+close depth %d", depth),
			hooks: []string{"file_open"}, size: 10, batches: 500,
			do: func(n int) error {
				for range n {
					fd, errno := rawOpen(name)
					if errno != 0 {
						return errno
					}
					if _, _, errno := unix.RawSyscall(unix.SYS_CLOSE, fd, 0, 0); errno != 0 {
						return errno
					}
				}
				return nil
			},
			close: func() error { return os.RemoveAll(dir) },
		}, nil
	}
}

// connect returns a connect of a datagram socket to the same peer.
func connect() (*operation, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	peer := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: 9 << 8, Addr: [4]byte{127, 0, 0, 1}}
	return &operation{
		name: "connect", hooks: []string{"socket_connect"}, size: 10, batches: 500,
		do: func(n int) error {
			for range n {
				_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd),
					uintptr(unsafe.Pointer(&peer)), unsafe.Sizeof(peer))
				if errno != 0 {
					return errno
				}
			}
			return nil
		},
		close: func() error { return unix.Close(fd) },
	}, nil
}

// rename returns renames of a file to another name and back.
func rename() (*operation, error) {
	dir, err := os.MkdirTemp("/", "acc")
	if err != nil {
		return nil, err
	}
	var names [2]*byte
	for i := range names {
		if names[i], err = unix.BytePtrFromString(filepath.Join(dir, fmt.Sprint("name", i))); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "name0"), nil, 0o644); err != nil {
		return nil, err
	}
	return &operation{
		// The size is even, so that every batch starts with the same name.
		name: "rename", hooks: []string{"path_rename"}, size: 10, batches: 500,
		do: func(n int) error {
			for i := range n {
				from, to := names[i%2], names[1-i%2]
				if errno := rawRename(from, to); errno != 0 {
					return errno
				}
			}
			return nil
		},
		close: func() error { return os.RemoveAll(dir) },
	}, nil
}

// execve returns an execve of a file that no binary format accepts: the call fails after both hooks have run, and
// the thread goes on. From Linux 6.12 on its latency has several levels, up to 5 % of the hook cost apart, which
// change when an enforcer is attached or detached: the rounds find the lowest. The latency of an execve that
// succeeds varies three times as much. See docs/internals/accuracy.md.
func execve() (*operation, error) {
	dir, err := os.MkdirTemp("/", "acc")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "text")
	if err := os.WriteFile(path, []byte("no program\n"), 0o755); err != nil {
		return nil, err
	}
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return nil, err
	}
	argv := []*byte{name, nil}
	return &operation{
		name: "execve", hooks: []string{"file_open", "bprm_check_security"}, size: 1, batches: 1000, rounds: 6,
		do: func(n int) error {
			for range n {
				_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(name)),
					uintptr(unsafe.Pointer(&argv[0])), 0)
				if errno != unix.ENOEXEC {
					return errno
				}
			}
			return nil
		},
		close: func() error { return os.RemoveAll(dir) },
	}, nil
}
