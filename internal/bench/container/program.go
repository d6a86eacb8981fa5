package container

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/unixbench"
)

// parents are the folders of a container in which a program may be placed.
var parents = []string{"tmp", "var/tmp", "run", "."}

// program is the file of the built-in tests in a container:
//
//	PARENT/lsmprof-XXXXXXXX/       of the host's root; others can only enter it
//	PARENT/lsmprof-XXXXXXXX/suite  of the host's root; nobody can write it
//	PARENT/lsmprof-XXXXXXXX/work/  of the user that runs the tests; nobody else can enter it
//
// Everything is made and removed through descriptors, so that a link or a folder that a process of the container plants
// meanwhile is never followed.
type program struct {
	parent *os.Root
	name   string      // of the folder, in parent
	path   string      // of the folder, as the container sees it
	folder os.FileInfo // to recognise it
	file   os.FileInfo
}

// user is the user that the runtime runs a container's programs as. Its ids are the host's.
type user struct {
	uid, gid int
	root     int // the container's root
}

// place writes the program into a container whose root directory is root. It refuses folders in which a process of the
// container could exchange what was written.
func place(root *os.File, as user) (*program, error) {
	var all error
	for _, parent := range parents {
		p, err := placeIn(root, parent, as)
		if err == nil {
			return p, nil
		}
		all = errors.Join(all, fmt.Errorf("/%s: %w", filepath.Clean(parent), err))
	}
	return nil, all
}

func placeIn(root *os.File, parent string, as user) (_ *program, err error) {
	for above := parent; above != "."; {
		above = filepath.Dir(above)
		dir, err := openBelow(root, above, unix.O_DIRECTORY)
		if err == nil {
			err = errors.Join(as.trusts(dir), dir.Close())
		}
		if err != nil {
			return nil, err
		}
	}
	dir, err := openBelow(root, parent, unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := as.trusts(dir); err != nil {
		return nil, err
	}
	p := &program{name: "lsmprof-" + rand.Text()[:8]}
	p.path = filepath.Join("/", parent, p.name)
	if p.parent, err = os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", dir.Fd())); err != nil {
		return nil, err
	}
	if err := unix.Mkdirat(int(dir.Fd()), p.name, 0o700); err != nil {
		return nil, errors.Join(os.NewSyscallError("mkdir", err), p.parent.Close())
	}
	if err := p.fill(dir, as); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// fill writes what the folder holds.
func (p *program) fill(parent *os.File, as user) error {
	folder, err := openBelow(parent, p.name, unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer folder.Close()
	if p.folder, err = folder.Stat(); err != nil {
		return err
	}
	if err := unix.Mkdirat(int(folder.Fd()), "work", 0o700); err != nil {
		return os.NewSyscallError("mkdir", err)
	}
	work, err := openBelow(folder, "work", unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	if err := errors.Join(work.Chown(as.uid, as.gid), work.Close()); err != nil {
		return err
	}
	file, err := openBelow(folder, "suite", unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return err
	}
	err = unixbench.WriteProgram(file)
	if err == nil {
		p.file, err = file.Stat()
	}
	// Set the modes whatever the umask is, the folder's last: nobody else can enter it before it is complete.
	return errors.Join(err, file.Chmod(0o555), file.Close(), folder.Chmod(0o711))
}

// Close removes the program and the work folder. It fails if another folder has taken their place.
func (p *program) Close() error {
	defer p.parent.Close()
	now, err := p.parent.Lstat(p.name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case p.folder != nil && !os.SameFile(now, p.folder):
		return fmt.Errorf("%s in the container is no longer the folder that lsmprof made: inspect it and "+
			"remove it", p.path)
	}
	return p.parent.RemoveAll(p.name)
}

// openBelow opens a path below a directory and follows no link on the way.
func openBelow(dir *os.File, path string, flags uint64) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	if flags&unix.O_CREAT != 0 {
		how.Mode = 0o700
	}
	fd, err := unix.Openat2(int(dir.Fd()), path, &how)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// trusts checks that in a directory nobody but root and the user itself can rename or remove what belongs to others.
func (as user) trusts(dir *os.File) error {
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	if owner != 0 && owner != as.root && owner != as.uid {
		return fmt.Errorf("/%s belongs to another user of the container, who could replace files there",
			dir.Name())
	}
	if info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0 {
		return fmt.Errorf("other users of the container could replace files in /%s: set its sticky bit "+
			"(chmod +t)", dir.Name())
	}
	return nil
}
