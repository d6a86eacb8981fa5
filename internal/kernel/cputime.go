package kernel

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime returns the user and system time of this process.
func CPUTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u) // with these arguments it does not fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
