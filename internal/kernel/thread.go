package kernel

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

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

// ThreadLeader returns the id of the process that a thread belongs to.
func ThreadLeader(tid uint) (pid uint, err error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "Tgid:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			return uint(n), err
		}
	}
	return 0, fmt.Errorf("%s has no Tgid", f.Name())
}
