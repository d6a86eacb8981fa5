package accuracy

import (
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// operation is something that calls hooks. One thread repeats it.
type operation struct {
	name    string
	hooks   []string
	size    int // operations in a batch
	batches int
	// rounds is how often the enforcers are attached and detached for the truth; 0 is 1. If the memory layout
	// of each round changes the latency, the lowest latency without enforcers is compared with the lowest one
	// with them.
	rounds int
	do     func(n int) error
	close  func() error
}

// latencies measures once per round: an operation that is profiled runs as often as one that is not.
func (o *operation) latencies() error {
	for range max(1, o.rounds) {
		if _, err := o.latency(); err != nil {
			return err
		}
	}
	return nil
}

// total returns the number of operations that latencies runs.
func (o *operation) total() int { return max(1, o.rounds) * o.batches * o.size }

// latency returns the time of one operation, in ns: the lower quartile of the batches, which no interrupt reaches.
// The fastest batch would be too fast, because a batch sometimes finds a shorter path through the allocators.
func (o *operation) latency() (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The kernel copies the thread's name into every event byte by byte: it must have the same length in every
	// test binary.
	name := [16]byte{'m', 'e', 'a', 's', 'u', 'r', 'e', 'd'}
	if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0); err != nil {
		return 0, fmt.Errorf("name the thread: %w", err)
	}
	times := make([]float64, o.batches)
	for i := range times {
		start := time.Now()
		if err := o.do(o.size); err != nil {
			return 0, fmt.Errorf("%s: %w", o.name, err)
		}
		times[i] = float64(time.Since(start).Nanoseconds()) / float64(o.size)
	}
	slices.Sort(times)
	return times[len(times)/4], nil
}

// repeated returns an operation with the given number of rounds.
func repeated(rounds int, op func() (*operation, error)) func() (*operation, error) {
	return func() (*operation, error) {
		o, err := op()
		if err == nil {
			o.rounds = rounds
		}
		return o, err
	}
}

func (o *operation) Close() error {
	if o.close == nil {
		return nil
	}
	return o.close()
}
