package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Tests that enter a mount namespace lose the working directory, so a relative folder would be another one for them.
func TestWorkFolderIsAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{".", "work"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		w, err := newWorkFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !filepath.IsAbs(w.path) {
			t.Errorf("%s in %s", w.path, dir)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestUnusedWorkFoldersAreRemoved(t *testing.T) {
	dir := t.TempDir()
	used, err := newWorkFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	stale, link, file := filepath.Join(dir, workPrefix+"1"), filepath.Join(dir, workPrefix+"2"), filepath.Join(dir,
		workPrefix+"3")
	precious := t.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(stale, "x"), 0o755), os.Symlink(precious, link),
		os.WriteFile(file, nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w, err := newWorkFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := os.Stat(stale); err == nil {
		t.Error("a folder that nobody uses is left")
	}
	for _, path := range []string{used.path, link, file, precious} {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("removed: %v", err)
		}
	}
}

func TestWorkFolderThatCannotBeMade(t *testing.T) {
	if _, err := newWorkFolder("/proc"); err == nil || !strings.Contains(err.Error(), "/proc") {
		t.Errorf("%v", err)
	}
}

// The folders of other users are left alone, whether they are in use or not.
func TestWorkFoldersOfOthersStay(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("folders of other users need root")
	}
	dir := t.TempDir()
	other := filepath.Join(dir, workPrefix+"other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(other, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	w, err := newWorkFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

// A folder that cannot be locked ends the bench with an error. It does not make folder after folder.
func TestWorkFolderThatCannotBeLocked(t *testing.T) {
	dir := t.TempDir()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	free, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	next := uint64(free.Fd())
	free.Close()
	// Making a folder takes no descriptor, and locking it takes one.
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: next, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := newWorkFolder(dir)
		done <- err
	}()
	select {
	case err = <-done:
	case <-time.After(2 * time.Minute):
		err = errors.New("still trying after 2 minutes")
	}
	if restored := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); restored != nil {
		t.Fatal(restored)
	}
	if !errors.Is(err, unix.EMFILE) || !strings.Contains(err.Error(), "lock "+dir) {
		t.Errorf("%v, want an error about the lock", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%d folders are left, %v", len(left), err)
	}
}
