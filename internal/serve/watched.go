package serve

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// watched is what some files hold, read again when one of them has changed. It looks whenever it is asked, so a change holds from
// the next request on, also through the symbolic links that Kubernetes swaps.
type watched[T any] struct {
	files []string
	load  func() (T, error)

	mu     sync.Mutex
	stamps []stamp
	value  T
}

// stamp is what tells a file from the one before.
type stamp struct {
	modified time.Time
	size     int64
	failed   bool
}

// newWatched reads the files; what is wrong with them then is an error, and later a warning.
func newWatched[T any](load func() (T, error), files ...string) (*watched[T], error) {
	w := &watched[T]{files: files, load: load}
	w.stamps = w.look()
	var err error
	w.value, err = load()
	return w, err
}

func (w *watched[T]) look() []stamp {
	stamps := make([]stamp, len(w.files))
	for i, f := range w.files {
		st, err := os.Stat(f)
		if err != nil {
			stamps[i].failed = true
			continue
		}
		stamps[i] = stamp{st.ModTime(), st.Size(), false}
	}
	return stamps
}

// get is the newest that could be read: half of a new pair, or a file that is being written, changes nothing.
func (w *watched[T]) get() T {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.look()
	if slices.Equal(now, w.stamps) {
		return w.value
	}
	w.stamps = now
	value, err := w.load()
	if err != nil {
		slog.Warn("going on with what the files held before", "files", fmt.Sprint(w.files), "reason", err)
		return w.value
	}
	slog.Info("read again", "files", fmt.Sprint(w.files))
	w.value = value
	return value
}
