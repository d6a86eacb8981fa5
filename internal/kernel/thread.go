package kernel

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// OnSpareThread calls f on a thread that ends when f returns, and waits for it. f may change what belongs to a thread
// and what child processes inherit from it: namespaces, CPU affinity, the working directory.
func OnSpareThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f() // never unlocked: the thread ends with this goroutine
			return
		}
		// The main thread never ends, and /proc/self is about it. While it is locked here, f gets another one.
		defer runtime.UnlockOSThread()
		OnSpareThread(f)
	}()
	<-done
}
