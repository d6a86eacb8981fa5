package serve

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
)

// watched is the content of some files, read again when one of them has changed. It checks them on every get, so a
// change takes effect with the next request, also through the symbolic links that Kubernetes swaps.
type watched[T any] struct {
	files []string
	load  func() (T, error)
	log   *slog.Logger

	mu     sync.Mutex
	stamps []stamp
	failed bool // load failed last time: get tries again
	value  T
}

// stamp tells whether a file was changed or replaced. Size and time of modification do not suffice: the tool
// that rotates a token may set both. The time of the last change cannot be set, and another file has another inode.
type stamp struct {
	device, inode    uint64
	size             int64
	modified, change syscall.Timespec
	missing          bool
}

// newWatched reads the files. What is wrong with them now is an error; what is wrong later is a warning, and the last
// good content stays in force.
func newWatched[T any](log *slog.Logger, load func() (T, error), files ...string) (*watched[T], error) {
	w := &watched[T]{files: files, load: load, log: log}
	w.stamps = w.look()
	var err error
	w.value, err = load()
	return w, err
}

func (w *watched[T]) look() []stamp {
	stamps := make([]stamp, len(w.files))
	for i, f := range w.files {
		info, err := os.Stat(f)
		if err != nil {
			stamps[i].missing = true
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			stamps[i] = stamp{uint64(st.Dev), st.Ino, st.Size, st.Mtim, st.Ctim, false}
		}
	}
	return stamps
}

// get returns the newest content that could be read. Half of a new pair, or a file that is just being written, changes
// nothing.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.look()
	changed := !slices.Equal(now, w.stamps)
	if !changed && !w.failed {
		return w.value
	}
	w.stamps = now
	value, err := w.load()
	w.failed = err != nil
	switch {
	case err == nil:
		w.value = value
		w.log.Info("files were read again", "files", fmt.Sprint(w.files))
	case changed: // log a failure once per change
		w.log.Warn("files cannot be read; what they held before stays in force", "files", fmt.Sprint(w.files),
			"reason", err)
	}
	return w.value
}
