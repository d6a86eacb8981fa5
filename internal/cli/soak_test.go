package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/inforce"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/tracer"
)

const shortSoak = 8 * time.Second

var soak = flag.Duration("soak", shortSoak, "how long TestSoak runs; 30m is useful by hand")

// An enforcer restarts over and over, and a second one attaches and detaches at random moments. Nothing leaks, and no
// call is lost.
//
//	go test -exec 'bin/vm -kernel 6.1 -smp 1 -timeout 40m -exec' ./internal/cli -run TestSoak -v -timeout 40m \
//		-args -soak 30m
func TestSoak(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t) // it takes long
	w := startWorkload(t)
	before := settledIDs(t)
	tr, err := tracer.Start(context.Background(), tracer.Options{Enforcers: inforce.New(nil)})
	if err != nil {
		t.Fatal(err)
	}
	const opens = 300
	var first, settled footprint
	cycles := 0
	for start := time.Now(); time.Since(start) < *soak || cycles < 5; cycles++ {
		e := restart(t, w, tr, 1+cycles%8)
		var work errgroup.Group
		work.Go(func() error { return w.try("openat", opens) })
		work.Go(func() error { return comeAndGo(3) })
		pollUntil(t, tr, work.Wait)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		now := footprintAt(t, tr, first)
		switch cycles {
		case 0:
			first = now
		case 1:
			settled = now
		}
		if got, want := opensOf(t, tr, w.mntns), uint64((cycles+1)*opens); got != want {
			t.Fatalf("restart %d: %d calls of openat in total, want %d", cycles, got, want)
		}
	}
	last := footprintAt(t, tr, first)
	t.Logf("%d restarts in %v: after the second %v; at the end %v", cycles, *soak, settled, last)
	if last.counts != first.counts {
		t.Errorf("at the end %v, want %v as after the first restart", last.counts, first.counts)
	}
	if grown := last.heap - settled.heap; grown > 512<<10 {
		t.Errorf("the heap grew by %d KiB in %d restarts, want at most 512", grown>>10, cycles-2)
	}
	if grown := last.kernel - settled.kernel; grown > 16<<20 {
		t.Errorf("the kernel's memory grew by %d KiB in %d restarts, want at most 16384", grown>>10, cycles-2)
	}
	if err := tr.Close(); err != nil {
		t.Error(err)
	}
	vmtest.NothingNew(t, before)
}

// settledIDs returns the BPF objects in the kernel, once it has freed those of earlier tests.
func settledIDs(t *testing.T) []string {
	t.Helper()
	for before := vmtest.KernelIDs(t); ; {
		runtime.GC()
		time.Sleep(time.Second)
		now := vmtest.KernelIDs(t)
		if slices.Equal(before, now) {
			return now
		}
		before = now
	}
}

// restart loads and attaches the reference enforcer, and returns once its programs are probed.
func restart(t *testing.T, w *workload, tr *tracer.Tracer, rules int) *reference.Enforcer {
	t.Helper()
	e, err := reference.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Confine(w.mntns, reference.Policy{Fillers: enforcer.Rules{File: rules}}); err != nil {
		t.Fatal(err)
	}
	if err := e.Attach(); err != nil {
		t.Fatal(err)
	}
	// A poll notices new links at once, and probes their programs before it returns.
	if err := tr.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	return e
}

// pollUntil polls as often as a recording does until work is done.
func pollUntil(t *testing.T, tr *tracer.Tracer, work func() error) {
	t.Helper()
	ctx, done := context.WithCancel(context.Background())
	var failed error
	go func() { failed = work(); done() }()
	for ctx.Err() == nil {
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(tracer.PollInterval):
		}
	}
	if failed != nil {
		t.Fatal(failed)
	}
}

// comeAndGo attaches and detaches a program on a hook of its own, N times, without regard to what the tracer does.
func comeAndGo(times int) error {
	for range times {
		prog, err := lsm.Load(&ebpf.ProgramSpec{
			Name: "comes_and_goes", Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "task_getpgid",
			License: "GPL", Instructions: withBTF("comes_and_goes"),
		})
		if err != nil {
			return err
		}
		l, err := link.AttachLSM(link.LSMOptions{Program: prog})
		if err != nil {
			return errors.Join(err, prog.Close())
		}
		for range 100 {
			unix.RawSyscall(unix.SYS_GETPGID, uintptr(unix.Getpid()), 0, 0)
		}
		if err := errors.Join(l.Close(), prog.Close()); err != nil {
			return err
		}
	}
	return nil
}

func opensOf(t *testing.T, tr *tracer.Tracer, mntns uint32) (calls uint64) {
	t.Helper()
	snap, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for i := range snap.Rows {
		r := &snap.Rows[i]
		if r.Workload.MntNS == mntns && r.Syscall == "openat" && snap.Programs[r.Program].Hook == "file_open" {
			calls += r.Readings.Count() + r.Preempted
		}
	}
	return calls
}

// footprint is what a process and its BPF objects hold.
type footprint struct {
	counts       string // of objects; the same whenever no enforcer is loaded
	heap, kernel int64  // bytes in use, in the kernel only those that it cannot reclaim
}

func (f footprint) String() string {
	return fmt.Sprintf("%s, heap %d KiB, kernel %d KiB", f.counts, f.heap>>10, f.kernel>>10)
}

// footprintAt polls until the tracer and the kernel have released everything: until the counts are those of first.
func footprintAt(t *testing.T, tr *tracer.Tracer, first footprint) (f footprint) {
	t.Helper()
	var last string
	for range 150 {
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		if f = footprintNow(t); f.counts == first.counts || first.counts == "" && f.counts == last {
			return f
		}
		last = f.counts
		time.Sleep(tracer.PollInterval)
	}
	return f
}

func footprintNow(t *testing.T) footprint {
	t.Helper()
	ids := map[string]int{}
	for _, id := range vmtest.KernelIDs(t) {
		kind, _, _ := strings.Cut(id, " ")
		ids[kind]++
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return footprint{
		counts: fmt.Sprintf("%d programs, %d maps, %d links, %d descriptors, %d mapped maps, %d goroutines",
			ids["program"], ids["map"], ids["link"], len(descriptors(t)),
			strings.Count(string(maps), "bpf-map"), runtime.NumGoroutine()),
		heap:   int64(mem.HeapAlloc),
		kernel: kernelMemory(t),
	}
}

// kernelMemory returns how many bytes the kernel has allocated for itself and cannot reclaim.
func kernelMemory(t *testing.T) (sum int64) {
	t.Helper()
	meminfo, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(meminfo)) {
		f := strings.Fields(line)
		switch f[0] {
		case "SUnreclaim:", "VmallocUsed:", "Percpu:":
			kib, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += kib << 10
		}
	}
	return sum
}
