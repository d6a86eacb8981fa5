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

// watch measures how busy other processes keep the machine.
type watch struct {
	start       time.Time
	own         []int   // processes of the bench
	busy, steal float64 // CPU seconds of all CPUs
	ownBusy     float64 // CPU seconds
}

func startWatch(own []int) *watch {
	w := &watch{start: time.Now(), own: own, ownBusy: ownTime(own)}
	w.busy, w.steal = cpuTime()
	return w
}

// stop returns what happened since the start.
func (w *watch) stop() rundir.Interference {
	wall := time.Since(w.start).Seconds()
	busy, steal := cpuTime()
	i := rundir.Interference{
		Foreign:  max(0, busy-w.busy-(ownTime(w.own)-w.ownBusy)) / wall,
		Steal:    (steal - w.steal) / wall,
		Load:     firstField("/proc/loadavg"),
		Pressure: pressure(),
		Wall:     wall,
	}
	i.Busy = i.Foreign+i.Steal > rundir.BusyAbove
	return i
}

const tick = 100 // USER_HZ, on every architecture that Go and BPF LSM both support

// cpuTime returns how long all CPUs have worked and how long the hypervisor took them away, in CPU seconds.
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

// ownTime returns the CPU seconds of lsmprof and of processes with their children.
func ownTime(pids []int) float64 {
	total := kernel.CPUTime().Seconds()
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// The command, in parentheses, may contain parentheses and spaces.
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

// pressure returns the share of the last 10 s in which some task waited for a CPU, in percent, or 0 if the kernel does
// not say.
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
