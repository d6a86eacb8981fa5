package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// workPrefix begins the names of the folders in which tests keep their files. Run directories have another name.
const workPrefix = "lsmprof-work-"

// workFolder is locked while it is in use. A folder that no process has locked was left behind by a bench that was
// killed.
type workFolder struct {
	path string
	lock *os.File
}

// newWorkFolder makes a folder in dir, which only this user can enter, and removes the unused ones of this user. Its
// path is absolute: tests that enter another mount namespace lose the working directory.
func newWorkFolder(dir string) (*workFolder, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := removeStale(dir); err != nil {
		return nil, err
	}
	// Between MkdirTemp and the lock another bench can take the new folder for a stale one and remove it.
	const attempts = 10
	for range attempts {
		path, err := os.MkdirTemp(dir, workPrefix)
		if err != nil {
			return nil, err
		}
		lock, err := lockFolder(path)
		switch {
		case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), os.Remove(path))
		}
		if _, err := os.Stat(path); err == nil {
			return &workFolder{path, lock}, nil
		}
		lock.Close()
	}
	return nil, fmt.Errorf("other benches removed %d new folders in %s; choose another work directory", attempts,
		dir)
}

// removeStale removes the folders of this user that no process has locked. It leaves those of other users alone.
func removeStale(dir string) error {
	folders, err := filepath.Glob(filepath.Join(dir, workPrefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range folders {
		lock, err := lockFolder(path)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		if err = unix.Fstat(int(lock.Fd()), &st); err == nil && int(st.Uid) == os.Geteuid() {
			err = os.RemoveAll(path)
		}
		if err = errors.Join(err, lock.Close()); err != nil {
			return fmt.Errorf("remove the work folder of an earlier bench: %w", err)
		}
	}
	return nil
}

func lockFolder(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Close removes the folder.
func (w *workFolder) Close() error { return errors.Join(os.RemoveAll(w.path), w.lock.Close()) }
