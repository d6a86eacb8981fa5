package vmtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// idleFactor is how much longer than its limit a guest may take by the wall clock. A guest that waits for a busy host
// gets there eventually; one that sleeps forever does not.
const idleFactor = 6

// deadline stops a guest that has used up its time. Limits are in CPU time of QEMU, so that a busy host does not
// shorten them, and are stretched by Slowness on a machine that is slower than the one they were chosen on.
type deadline struct {
	used   func() time.Duration // CPU time of QEMU so far
	expire func()

	mu      sync.Mutex
	cpu     time.Duration // stop beyond this CPU time
	wall    time.Time     // or after this moment
	stopped chan struct{}
	over    bool
}

func newDeadline(used func() time.Duration, limit time.Duration, expire func()) *deadline {
	d := &deadline{used: used, expire: expire, stopped: make(chan struct{})}
	d.reset(limit)
	go d.watch()
	return d
}

// reset gives the guest limit from now on.
func (d *deadline) reset(limit time.Duration) {
	limit = time.Duration(float64(limit) * Slowness())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cpu, d.wall = d.used()+limit, time.Now().Add(idleFactor*limit)
}

func (d *deadline) stop() { close(d.stopped) }

// expired reports whether the guest was stopped because its time was up.
func (d *deadline) expired() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.over
}

func (d *deadline) watch() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-d.stopped:
			return
		case <-tick.C:
		}
		d.mu.Lock()
		d.over = d.used() > d.cpu || time.Now().After(d.wall)
		over := d.over
		d.mu.Unlock()
		if over {
			d.expire()
			return
		}
	}
}

// cpuTime returns the CPU time that a process and its threads have used, or 0 if the process is gone.
func cpuTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	ticks, err := statTicks(string(text))
	if err != nil {
		return 0
	}
	return ticks * (time.Second / 100) // USER_HZ is 100 on every architecture that QEMU runs on
}

// statTicks returns utime + stime of a line of /proc/PID/stat. The command's name may contain spaces and parentheses.
func statTicks(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat: %d fields behind the name", len(fields))
	}
	user, err := strconv.ParseUint(fields[11], 10, 48)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseUint(fields[12], 10, 48)
	return time.Duration(user + system), err
}
