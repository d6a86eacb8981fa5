package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is the kernel's own limit on symbolic links in one path.
const maxLinks = 40

// openDir opens a folder. As root it follows only symbolic links that root or the user behind sudo
// made. Otherwise other users who may write to a folder on the way could choose where root writes. It
// walks the path by descriptors, because a check of the path followed by its use could be raced.
func openDir(path string) (*os.File, error) {
	fd, err := unix.Open(root(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { unix.Close(fd) }()
	rest := components(path)
	for links := 0; len(rest) > 0; {
		next, err := unix.Openat(fd, rest[0], unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, &os.PathError{Op: "open the folder", Path: path, Err: err}
		}
		target, isLink, err := readLink(next, rest[0])
		switch {
		case err != nil:
			unix.Close(next)
			return nil, err
		case !isLink:
			unix.Close(fd)
			fd, rest = next, rest[1:]
			continue
		}
		unix.Close(next)
		if links++; links > maxLinks {
			return nil, &os.PathError{Op: "open", Path: path, Err: unix.ELOOP}
		}
		if filepath.IsAbs(target) {
			top, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
			if err != nil {
				return nil, err
			}
			unix.Close(fd)
			fd = top
		}
		rest = append(components(target), rest[1:]...)
	}
	dir, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(dir), path), nil
}

// MkdirAll creates a folder and those above it that are missing, with mode 0755. As root it follows only the symbolic
// links that Create follows: the name of an output can be guessed, and a link under it would choose where root creates
// folders.
func MkdirAll(path string) error {
	dir, err := openDir(path)
	if err == nil {
		return dir.Close()
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	path = filepath.Clean(path)
	if err := MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	above, err := openDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer above.Close()
	err = unix.Mkdirat(int(above.Fd()), filepath.Base(path), 0o755)
	if errors.Is(err, os.ErrExist) { // made meanwhile, or a link to nothing
		dir, err := openDir(path)
		if err != nil {
			return err
		}
		return dir.Close()
	}
	if err != nil {
		return &os.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

func root(path string) string {
	if filepath.IsAbs(path) {
		return "/"
	}
	return "."
}

// components splits a path without cleaning it: the parent of a link's target is not the link's parent.
func components(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// readLink returns the target if fd, opened under name, is a symbolic link. It fails on a link that
// may not be followed.
func readLink(fd int, name string) (target string, isLink bool, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", false, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", false, nil
	}
	if !trusted(st.Uid) {
		return "", true, fmt.Errorf("%s is a symbolic link of user %d: give the path that it leads to",
			name, st.Uid)
	}
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", true, &os.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(buf[:n]), true, nil
}

// trusted reports whether links of this user are followed. Unless lsmprof runs as root, a link gains its owner nothing.
func trusted(uid uint32) bool {
	return os.Geteuid() != 0 || uid == 0 || strconv.FormatUint(uint64(uid), 10) == os.Getenv("SUDO_UID")
}
