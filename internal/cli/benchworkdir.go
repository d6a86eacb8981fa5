package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// workPrefix is what the folders are called in which tests keep their files. Run directories have another name.
const workPrefix = "lsmprof-work-"

// workFolder is locked for as long as it is in use: of those that a bench left behind which was killed nobody holds the lock.
type workFolder struct {
	path string
	lock *os.File
}

// newWorkFolder makes one in dir, and removes those there that nobody uses any more.
func newWorkFolder(dir string) (*workFolder, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	stale, err := filepath.Glob(filepath.Join(dir, workPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range stale {
		if lock, err := lockFolder(path); err == nil {
			err = errors.Join(os.RemoveAll(path), lock.Close())
			if err != nil {
				return nil, fmt.Errorf("remove what an earlier bench left: %w", err)
			}
		}
	}
	for {
		path, err := os.MkdirTemp(dir, workPrefix)
		if err != nil {
			return nil, err
		}
		lock, err := lockFolder(path)
		if err != nil {
			continue // another bench was faster and takes it for stale
		}
		// The lock may be on a folder that is gone.
		if _, err := os.Stat(path); err == nil {
			return &workFolder{path, lock}, nil
		}
		lock.Close()
	}
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
