package tracer

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startSampler starts a sampler that watches nothing, on any kernel that allows perf events: it attaches to no program.
func startSampler(t testing.TB, hz int) *lineSampler {
	t.Helper()
	m, err := findMachine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLoader(Filter{}, m, 1)
	if err != nil {
		t.Skipf("no BPF here: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	s, err := newLineSampler(hz, l, m.scope)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, ErrUnsupported) {
		t.Skipf("no perf events here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	l.control.open()
	return s
}

// TestSamplerSeesTheKernel runs on the host as well, natively where the guests are emulated.
func TestSamplerSeesTheKernel(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	s := startSampler(t, 500)
	for end := time.Now().Add(time.Minute); time.Now().Before(end) && s.tally().Seen < 20; {
		busy(1000)
	}
	tally := s.tally()
	if tally.Seen < 20 || tally.Sent > 0 || tally.Lost > 0 {
		t.Errorf("%+v: want at least 20 interrupts, and no sample in a program: none is watched", tally)
	}
}

// busy spends its time in the kernel.
func busy(calls int) {
	for range calls {
		unix.RawSyscall(unix.SYS_GETPGID, uintptr(unix.Getpid()), 0, 0)
	}
}

// BenchmarkSampling says what an interrupt costs a thread that is always in the kernel, and which share of a CPU that
// is at DefaultLines: run it with -benchtime=1x. The fastest of many short batches are compared, because other load
// only ever adds.
func BenchmarkSampling(b *testing.B) {
	const calls, rounds, often = 2_000, 3000, 10 * DefaultLines
	cost := func() float64 {
		var from, to unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &from)
		busy(calls)
		_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &to)
		return float64(to.Nano() - from.Nano())
	}
	defer stayOnCPU()()
	s := startSampler(b, often)
	// All of the kernel is watched: every interrupt sends a sample, the dearest case.
	binary.NativeEndian.PutUint64(s.mem, 0xff<<56)
	binary.NativeEndian.PutUint64(s.mem[8:], 0x7f<<56)
	fastest := map[bool]float64{}
	for range b.N * rounds {
		for on, request := range map[bool]uint{
			true:  unix.PERF_EVENT_IOC_ENABLE,
			false: unix.PERF_EVENT_IOC_DISABLE,
		} {
			for _, fd := range s.events.fds {
				_ = unix.IoctlSetInt(fd, request, 0)
			}
			if ns := cost(); fastest[on] == 0 || ns < fastest[on] {
				fastest[on] = ns
			}
		}
		_ = s.read(func(lineSample) {})
	}
	share := fastest[true]/fastest[false] - 1
	b.ReportMetric(share/often*1e9, "ns/interrupt")
	b.ReportMetric(100*share/often*DefaultLines, "%ofCPU")
	b.ReportMetric(0, "ns/op")
	if tally := s.tally(); float64(tally.Sent+tally.Lost) < 0.99*float64(tally.Seen) || tally.Seen == 0 {
		b.Errorf("%+v: not every interrupt sent a sample", tally)
	}
}
