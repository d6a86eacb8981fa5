package vmtest

import (
	"sync"
	"time"
)

func readTSC() uint64

// tscKHz returns the frequency of this machine's time stamp counter, which is also that of an emulated guest. A guest
// that measures it on a busy host finds anything: its clock has been seen to run seven times too fast.
var tscKHz = sync.OnceValue(func() int {
	const long = 50 * time.Millisecond
	from, ticks := tscAndTime()
	time.Sleep(long)
	to, end := tscAndTime()
	return int(float64(end-ticks) / float64(to.Sub(from).Nanoseconds()) * 1e6)
})

// tscAndTime reads both clocks at the same moment: of several attempts the quickest, which nothing has interrupted.
func tscAndTime() (at time.Time, ticks uint64) {
	best := ^uint64(0)
	for range 100 {
		before := readTSC()
		now := time.Now()
		after := readTSC()
		if after-before < best {
			best, at, ticks = after-before, now, before+(after-before)/2
		}
	}
	return at, ticks
}
