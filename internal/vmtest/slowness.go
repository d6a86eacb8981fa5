package vmtest

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// referenceWork is the CPU time that work takes on the machine that the limits of this package were chosen on.
const referenceWork = 20 * time.Millisecond

// Slowness returns by what factor this machine is slower than the one that deadlines were chosen on, at least 1. It is
// measured once, in CPU time: other load on the machine does not change it.
var Slowness = sync.OnceValue(func() float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := threadTime()
	work()
	return max(1, float64(threadTime()-begin)/float64(referenceWork))
})

func threadTime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) // cannot fail with these arguments
	return time.Duration(ts.Nano())
}

// work does what an emulator does: branches that are hard to predict, and loads from a table.
func work() {
	random := rand.New(rand.NewPCG(1, 2))
	numbers := make([]uint64, 1<<18)
	for i := range numbers {
		numbers[i] = random.Uint64()
	}
	slices.Sort(numbers)
}
