package tracer

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/vmtest"
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

// watchAll makes every interrupt in the kernel send a sample: the most expensive case.
func (s *lineSampler) watchAll() {
	binary.NativeEndian.PutUint64(s.mem, 0xff<<56)
	binary.NativeEndian.PutUint64(s.mem[8:], 0x7f<<56)
}

// interruptCost returns what an interrupt costs a thread that is always in the kernel, in ns of its CPU time: by how
// much batches with one interrupt take longer than those without. It compares the fast ones of both (of each the batch
// that 1 in 20 are faster than), because other load only ever adds.
func interruptCost(t testing.TB, batches int) float64 {
	t.Helper()
	const calls, often = 200, 3989 // a batch is shorter than the time between two interrupts
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer stayOnCPU()()
	s := startSampler(t, often)
	s.watchAll()
	var cpu uint32
	if _, _, e := unix.Syscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); e != 0 {
		t.Fatal(e)
	}
	var buffers []bpf.LinesLineBuffer
	seen := func() uint64 {
		if err := s.maps.Buffers.Lookup(uint32(0), &buffers); err != nil {
			t.Fatal(err)
		}
		return buffers[cpu].Tally.Seen
	}
	var took [2][]float64
	for i := range batches {
		// Between the clock's readings, so that the time of every interrupt that is counted is in them.
		var from, to unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &from)
		before := seen()
		busy(calls)
		interrupts := seen() - before
		_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &to)
		if interrupts < 2 {
			took[interrupts] = append(took[interrupts], float64(to.Nano()-from.Nano()))
		}
		if i%100 == 0 {
			_ = s.read(func(lineSample) {})
		}
	}
	if len(took[0]) < 100 || len(took[1]) < 100 {
		t.Skipf("%d batches without an interrupt and %d with one: too few to compare", len(took[0]),
			len(took[1]))
	}
	if tally := s.tally(); float64(tally.Sent+tally.Lost) < 0.99*float64(tally.Seen) {
		t.Errorf("%+v: not every interrupt sent a sample", tally)
	}
	var fast [2]float64
	for i := range took {
		slices.Sort(took[i])
		fast[i] = took[i][len(took[i])/20]
	}
	t.Logf("%d batches without an interrupt: %.0f ns; %d with one: %.0f ns", len(took[0]), fast[0], len(took[1]),
		fast[1])
	return fast[1] - fast[0]
}

// TestSamplingCost runs on the host: where guests are emulated, they know nothing of caches and of real interrupts.
func TestSamplingCost(t *testing.T) {
	vmtest.Host(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	var ns, share float64
	for i := range 4 { // load of the machine, and of the one below, only ever adds
		if n := interruptCost(t, 8_000); i == 0 || n < ns {
			ns = n
		}
		if share = ns * DefaultLines / 1e9; share < 0.008 {
			break
		}
	}
	t.Logf("an interrupt costs %.0f ns: %.2f %% of a CPU at %d Hz", ns, 100*share, DefaultLines)
	if share > 0.01 {
		t.Errorf("sampling costs %.2f %% of a CPU, want at most 1 %%", 100*share)
	}
}

// BenchmarkSampling says the same more precisely: run it with -benchtime=1x.
func BenchmarkSampling(b *testing.B) {
	for b.Loop() {
		ns := interruptCost(b, 100_000)
		b.ReportMetric(ns, "ns/interrupt")
		b.ReportMetric(100*ns*DefaultLines/1e9, "%ofCPU")
	}
	b.ReportMetric(0, "ns/op")
}
