package tracer

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// Reading the counters does not stop the probes from writing them. Each call is counted once.
func TestTwoCPUsReadingDoesNotStallRecording(t *testing.T) {
	vmtest.TwoCPUsGuest(t)
	lsmProgram(t, "busy", "task_getpgid", 0, allow()...)
	var made, read atomic.Uint64
	var over atomic.Bool
	_, programs := measureWhile(t, Options{}, func(poll func()) {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runtime.LockOSThread()
			for !over.Load() {
				getpgid(10)
				made.Add(10)
			}
		}()
		for range 200 {
			before := made.Load()
			poll()
			read.Add(made.Load() - before)
		}
		over.Store(true)
		<-ended
	})
	t.Logf("%d calls, %d of them while counters were read", made.Load(), read.Load())
	if p := programs[label("busy", "task_getpgid")]; p.Calls() != made.Load() {
		t.Errorf("%+v: %d calls, want %d", p, p.Calls(), made.Load())
	}
	if read.Load() < made.Load()/10 {
		t.Errorf("%d of %d calls were made while counters were read: reading stalls them",
			read.Load(), made.Load())
	}
}
