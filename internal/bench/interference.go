package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// watch measures what others do to the machine while we do our work.
type watch struct {
	start       time.Time
	pids        []int
	busy, steal float64 // seconds of CPU, all CPUs
	own         float64
}

func startWatch(pids []int) *watch {
	w := &watch{start: time.Now(), pids: pids, own: ownTime(pids)}
	w.busy, w.steal = cpuTime()
	return w
}

// stop says what happened since the start.
func (w *watch) stop() rundir.Interference {
	wall := time.Since(w.start).Seconds()
	busy, steal := cpuTime()
	a := rundir.Interference{
		Foreign:  max(0, busy-w.busy-(ownTime(w.pids)-w.own)) / wall,
		Steal:    (steal - w.steal) / wall,
		Load:     firstField("/proc/loadavg"),
		Pressure: pressure(),
		Wall:     wall,
	}
	a.Busy = a.Foreign+a.Steal > rundir.BusyAbove
	return a
}

const tick = 100 // USER_HZ, the same on every architecture that Go and BPF LSM share

// cpuTime is what all CPUs spent working, and what the hypervisor took.
func cpuTime() (busy, steal float64) {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	fields := strings.Fields(string(line))
	for i, f := range fields {
		v, _ := strconv.ParseFloat(f, 64)
		switch i {
		case 1, 2, 3, 6, 7: // user, nice, system, irq, softirq
			busy += v / tick
		case 8:
			steal = v / tick
		}
	}
	return busy, steal
}

// ownTime is what the workers with their children, and lsmprof itself, spent.
func ownTime(pids []int) float64 {
	total := kernel.CPUTime().Seconds()
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// The command, in parentheses, may contain anything.
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		for i := 11; i < 15 && i < len(fields); i++ { // utime, stime, cutime, cstime
			v, _ := strconv.ParseFloat(fields[i], 64)
			total += v / tick
		}
	}
	return total
}

func firstField(file string) float64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(data), " ")
	v, _ := strconv.ParseFloat(first, 64)
	return v
}

// pressure is how much of the last ten seconds some task waited for a CPU, in percent; 0 where the kernel does not say.
func pressure() float64 {
	data, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "avg10=")
	number, _, _ := strings.Cut(rest, " ")
	v, _ := strconv.ParseFloat(number, 64)
	return v
}
