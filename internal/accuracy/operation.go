package accuracy

import (
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// operation is something that reaches hooks, done over and over by one thread.
type operation struct {
	name    string
	hooks   []string
	size    int // operations in a batch
	batches int
	// rounds is how often the enforcers are attached and detached for the truth, 0 is 1. Where what the operation allocates lies
	// differently every time, the shortest way without them is compared with the shortest way with them.
	rounds int
	do     func(n int) error
	close  func() error
}

// latencies measures as often as there are rounds, as one that is profiled does.
func (o *operation) latencies() error {
	for range max(1, o.rounds) {
		if _, err := o.latency(); err != nil {
			return err
		}
	}
	return nil
}

// total is how many operations latencies does.
func (o *operation) total() int { return max(1, o.rounds) * o.batches * o.size }

// latency is the time of one operation, ns: the lower quartile of the batches, which nothing interrupted. Not the fastest: a batch
// now and then finds a shorter way through the allocators.
func (o *operation) latency() (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The kernel copies the name of the thread into every event byte by byte: of this test binary or another, it is one.
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

// repeated is an operation in so many rounds.
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
