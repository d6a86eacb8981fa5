package tracer

import (
	"sync/atomic"
	"time"
)

// Bounds on waiting for the files of a process. A file system in user space or behind a network may never answer.
const (
	maxWait  = 5 * time.Second
	maxStuck = 4 // reads that have not returned
)

// stuckReads is the number of reads that were abandoned and have not returned.
type stuckReads struct{ n atomic.Int32 }

// within returns the result of read. It gives up after wait, or at once while maxStuck earlier reads have not returned.
// If read returns after that, its result goes to discard.
func within[T any](stuck *stuckReads, wait time.Duration, read func() T, discard func(T)) (result T, ok bool) {
	if stuck.n.Load() >= maxStuck {
		return result, false
	}
	done := make(chan T, 1)
	go func() { done <- read() }()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case result = <-done:
		return result, true
	case <-timer.C:
	}
	stuck.n.Add(1)
	go func() {
		discard(<-done)
		stuck.n.Add(-1)
	}()
	return result, false
}
