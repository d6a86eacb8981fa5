// Package atomicfile writes files that appear under their name only when they are complete. Until
// then an earlier file of that name stays as it is, whatever happens: an error, a crash, a power
// loss.
//
// The folder is opened once, and everything else happens relative to that descriptor. Nobody who
// may write to the folder, or to one above it, can therefore redirect the content. See openDir for
// the symbolic links that are followed.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// OldSuffix is what File.KeepOld appends to the name of the file that it replaces.
const OldSuffix = ".old"

// File is a temporary file beside its final name. Close it with Commit or Discard. It is not safe for concurrent use.
type File struct {
	// KeepOld makes Commit keep the file that it replaces, under its name with OldSuffix.
	KeepOld bool

	file *os.File
	dir  *os.File
	path string
	temp string // in dir
}

// Create opens a temporary file in the folder of path, so that an output that cannot be written
// fails before anything is measured. It fails if path exists and is not a regular file or a
// symbolic link.
func Create(path string) (*File, error) {
	if path == "" {
		return nil, errors.New("the name of the output file is empty")
	}
	dir, err := openDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return createIn(dir, path)
}

// createIn creates the temporary file in dir. It closes dir, at once if it fails, else with the File.
func createIn(dir *os.File, path string) (*File, error) {
	f := &File{dir: dir, path: path}
	if err := f.create(); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), dir.Close())
	}
	return f, nil
}

func (f *File) create() error {
	if _, err := f.replaces(); err != nil {
		return err
	}
	for range 100 {
		temp := fmt.Sprintf(".%s.%08x", f.name(), rand.Uint32())
		const flags = unix.O_CREAT | unix.O_EXCL | unix.O_WRONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC
		fd, err := unix.Openat(int(f.dir.Fd()), temp, flags, 0o600)
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return err
		}
		f.file, f.temp = os.NewFile(uintptr(fd), f.path), temp
		return nil
	}
	return errors.New("no free name for a temporary file")
}

func (f *File) name() string { return filepath.Base(f.path) }

// replaces reports whether a file has the final name now. It fails for devices and FIFOs, because renaming over one
// would destroy it: /dev/null, for example.
func (f *File) replaces() (bool, error) {
	var st unix.Stat_t
	err := unix.Fstatat(int(f.dir.Fd()), f.name(), &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return true, nil
	case unix.S_IFLNK:
		return true, f.replaceable()
	case unix.S_IFDIR:
		return false, errors.New("is a directory")
	}
	return false, errors.New("is not a regular file")
}

// replaceable fails if the final name is a link to something else than a file, or into /proc: renaming over /dev/stdout
// would take it from everybody.
func (f *File) replaceable() error {
	target, st := make([]byte, unix.PathMax), unix.Stat_t{}
	n, err := unix.Readlinkat(int(f.dir.Fd()), f.name(), target)
	if err != nil {
		return err
	}
	err = unix.Fstatat(int(f.dir.Fd()), f.name(), &st, 0)
	if strings.HasPrefix(string(target[:n]), "/proc/") || err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("is a link to %s, which is not a regular file", target[:n])
	}
	return nil
}

// Commit writes the content, makes the file world-readable and gives it its final name. It reports whether it kept an
// earlier file; see KeepOld. If it fails, the earlier file is untouched.
func (f *File) Commit(write func(io.Writer) error) (keptOld bool, err error) {
	defer func() {
		// An error of the file itself names the path already.
		if inner := (*os.PathError)(nil); err != nil && !(errors.As(err, &inner) && inner.Path == f.path) {
			err = fmt.Errorf("write %s: %w", f.path, err)
		}
		f.Discard()
	}()
	if err := write(f.file); err != nil {
		return false, err
	}
	if err := errors.Join(f.file.Chmod(0o644), f.file.Sync(), f.file.Close()); err != nil {
		return false, err
	}
	exists, err := f.replaces()
	if err != nil {
		return false, err
	}
	if exists && f.KeepOld {
		if err := f.keepOld(); err != nil {
			return false, fmt.Errorf("keep the earlier file: %w", err)
		}
	}
	dir := int(f.dir.Fd())
	if err := unix.Renameat(dir, f.temp, dir, f.name()); err != nil {
		return false, err
	}
	f.temp = ""
	return exists && f.KeepOld, f.dir.Sync() // the new name survives a power loss
}

// keepOld gives the earlier file a second name, so that its own name never disappears. Some file
// systems have no hard links: there the file is renamed.
func (f *File) keepOld() error {
	dir, old := int(f.dir.Fd()), f.name()+OldSuffix
	if err := unix.Unlinkat(dir, old, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if unix.Linkat(dir, f.name(), dir, old, 0) == nil {
		return nil
	}
	return unix.Renameat(dir, f.name(), dir, old)
}

// Discard removes the temporary file. After Commit it does nothing.
func (f *File) Discard() {
	if f.dir == nil {
		return
	}
	f.file.Close()
	if f.temp != "" {
		_ = unix.Unlinkat(int(f.dir.Fd()), f.temp, 0)
	}
	f.dir.Close()
	f.dir = nil
}

// Write replaces the content of path in one step.
func Write(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	_, err = f.Commit(write)
	return err
}

// WriteIn replaces the content of a file in a folder that is open already. It does not close the folder.
func WriteIn(dir *os.File, name string, write func(io.Writer) error) error {
	path := filepath.Join(dir.Name(), name)
	fd, err := unix.FcntlInt(dir.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := createIn(os.NewFile(uintptr(fd), dir.Name()), path)
	if err != nil {
		return err
	}
	_, err = f.Commit(write)
	return err
}

// WriteString replaces the content of path by text.
func WriteString(path, text string) error {
	return Write(path, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
