package tracer_test

import (
	"context"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer/lookalike"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// sectionTruth are the turns of each line of sections.bpf.c, by the comment on the line. A call runs each line once,
// and the callback ten times.
var sectionTruth = map[string]map[string]float64{
	"sections":           {"main": 100, "inlined": 200, "subprogram": 300, "global": 400},
	"sections_loop":      {"callback": 500, "after the loop": 500},
	"sections_tail":      {"before the tail call": 250, "continued": 750},
	"sections_sleepable": {"sleepable": 600, "sleepable, too": 400},
}

// since517 are the programs that older kernels cannot run, or cannot probe.
var since517 = []string{"sections_loop", "sections_sleepable"}

// attachSections attaches the programs of sections.bpf.c that this kernel can run, and returns how to call each.
func attachSections(t *testing.T) map[string]func() {
	t.Helper()
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	spec, err := lookalike.LoadSections()
	if err != nil {
		t.Fatal(err)
	}
	self := uintptr(unix.Getpid())
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	calls := map[string]func(){
		"sections":      func() { unix.RawSyscall(unix.SYS_GETSID, self, 0, 0) },
		"sections_loop": func() { unix.RawSyscall(unix.SYS_SCHED_GETSCHEDULER, self, 0, 0) },
		"sections_tail": func() { unix.RawSyscall(unix.SYS_IOPRIO_GET, 1, self, 0) },
		"sections_sleepable": func() {
			unix.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&header)),
				uintptr(unsafe.Pointer(&data[0])), 0)
		},
	}
	if byHook() {
		for _, name := range since517 {
			delete(spec.Programs, name)
			delete(calls, name)
		}
	}
	objs, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: lsm.KernelTypes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(objs.Close)
	if err := objs.Maps["sections_called"].Put(uint32(0), objs.Programs["sections_continued"]); err != nil {
		t.Fatal(err)
	}
	for name := range calls {
		l, err := link.AttachLSM(link.LSMOptions{Program: objs.Programs[name]})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
	}
	return calls
}

// byHook reports whether this kernel allows probes on hooks only.
func byHook() bool {
	scope, _ := tracer.SupportedScope()
	return scope == profile.ScopeHook
}

// spun keeps a loop from being optimized away.
var spun uint64

// callFor makes calls for a while. What lies between them takes a random time: else they would keep step with the
// samples, because in a guest that counts instructions nothing else disturbs either.
func callFor(d time.Duration, call func()) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		call()
		for n := rand.Uint64N(1000); n > 0; n-- {
			spun ^= n
		}
	}
}

// lineOf returns the comment of a line of sections.bpf.c: `main` for the line with `/* line: main */`.
func lineOf(l profile.LineCost) string {
	_, rest, _ := strings.Cut(l.Text, "/* line: ")
	comment, _, _ := strings.Cut(rest, " */")
	return comment
}

// enoughSamples of a program are seen before anything is said about it.
const enoughSamples = 60

// sampleSections records while a program is called, until there are enough samples, some of them in each line, and
// returns the costs and the lines without any.
func sampleSections(t *testing.T, name string, call func()) (c profile.Costs, missing []string) {
	t.Helper()
	tr, err := tracer.Start(context.Background(), tracer.Options{Lines: 400})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	var all profile.Snapshot
	for range 100 { // an emulated machine under load gets a few samples per second only
		callFor(100*time.Millisecond, call)
		all = profile.Snapshot{}
		c = costsSince(t, tr, &all)
		if missing = unseen(&c, name); all.Inside.Samples >= enoughSamples && len(missing) == 0 {
			break
		}
	}
	in := all.Inside
	t.Logf("%s; %d in programs", in.Fact(), in.Samples)
	// On 5.10 a stack is unwound wrong now and then. Such a sample is left out. Interrupts of `cycles` that were
	// off are taken on the way to user space, where there is no stack of the kernel: outside of programs.
	if in.Lost > 0 || in.Unknown > 0 && in.Event == "cpu-clock" || 20*in.Other > in.Samples {
		t.Errorf("%d samples lost, %d without a stack, %d in other programs", in.Lost, in.Unknown, in.Other)
	}
	return c, missing
}

// unseen returns the lines of a program that have no sample.
func unseen(c *profile.Costs, program string) (missing []string) {
	seen := map[string]bool{}
	for _, p := range c.Lines(nil) {
		for _, l := range p.Lines {
			seen[lineOf(l)] = seen[lineOf(l)] || p.Program == program
		}
	}
	for line := range sectionTruth[program] {
		if !seen[line] {
			missing = append(missing, line)
		}
	}
	return missing
}

// A sample is charged to the program that was called, and to the function and line that it interrupted: in static
// subprograms, global functions, inlined lines, callbacks, tail-called and sleepable programs.
func TestSamplesBelongToTheCalledProgram(t *testing.T) {
	vmtest.Guest(t)
	calls := attachSections(t)
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			c, missing := sampleSections(t, name, call)
			if len(missing) > 0 {
				t.Errorf("no samples in %v", missing)
			}
			for _, p := range c.Lines(nil) {
				if p.Program != name {
					t.Errorf("%d samples in %s, which was not called", p.Samples, p.Program)
					continue
				}
				if p.Divided != byHook() {
					t.Errorf("%s is divided: %v", p.Program, p.Divided)
				}
				for _, l := range p.Lines {
					if l.Code.File == "" || path.Base(l.Code.File) != "sections.bpf.c" {
						t.Errorf("%d samples without a line, in %s", l.Samples, l.Code.Function)
					}
				}
				if p.Samples < enoughSamples {
					t.Errorf("%d samples, want at least %d", p.Samples, enoughSamples)
				}
			}
			if len(c.Lines(nil)) == 0 {
				t.Error("no sample in the program")
			}
		})
	}
}

// Sampling can begin and end while a tracer counts: each time it begins anew.
func TestSampleLinesWhileCounting(t *testing.T) {
	vmtest.Guest(t)
	call := attachSections(t)["sections"]
	tr, err := tracer.Start(context.Background(), tracer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for _, hz := range []int{0, 400, 0, 400} {
		if err := tr.SampleLines(hz); err != nil {
			t.Fatal(err)
		}
		rounds, in := 0, (*profile.Inside)(nil)
		for rounds < 100 && (in == nil || in.Samples == 0) { // as above
			callFor(100*time.Millisecond, call)
			rounds++
			var all profile.Snapshot
			costsSince(t, tr, &all)
			if in = all.Inside; hz == 0 {
				break
			}
		}
		switch {
		case (in != nil) != (hz > 0):
			t.Errorf("%d Hz: the snapshot has samples: %v", hz, in != nil)
		case hz > 0 && (in.Samples == 0 || in.Samples > uint64(80*rounds)):
			t.Errorf("%d samples in %d times 100 ms at %d Hz", in.Samples, rounds, hz)
		}
	}
}
