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
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// sectionTruth are the turns of each line of sections.bpf.c, by the comment on the line.
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
	objs, err := ebpf.NewCollection(spec)
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

// sampleSections records while a program is called, until there are enough samples, and returns the costs.
func sampleSections(t *testing.T, enough uint64, call func()) profile.Costs {
	t.Helper()
	tr, err := tracer.Start(context.Background(), tracer.Options{Lines: 400})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	var s profile.Snapshot
	for range 40 { // an emulated machine under load gets a few samples per second only
		callFor(100*time.Millisecond, call)
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s, err = tr.Snapshot(); err != nil {
			t.Fatal(err)
		}
		if s.Inside.Samples >= enough {
			break
		}
	}
	in := s.Inside
	t.Logf("%s; %d in programs", in.Fact(), in.Samples)
	// On 5.10 a stack is unwound wrong now and then. Such a sample is left out.
	if in.Lost > 0 || in.Unknown > 0 || 20*in.Other > in.Samples {
		t.Errorf("%d samples lost, %d without a stack, %d in other programs", in.Lost, in.Unknown, in.Other)
	}
	c, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A sample is charged to the program that was called, and to the function and line that it interrupted: in static
// subprograms, global functions, inlined lines, callbacks, tail-called and sleepable programs.
func TestSamplesBelongToTheCalledProgram(t *testing.T) {
	vmtest.Guest(t)
	calls := attachSections(t)
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			const enough = 60
			c := sampleSections(t, enough, call)
			for _, p := range c.Lines(nil) {
				if p.Program != name {
					t.Errorf("%d samples in %s, which was not called", p.Samples, p.Program)
					continue
				}
				if p.Divided != byHook() {
					t.Errorf("%s is divided: %v", p.Program, p.Divided)
				}
				missing := map[string]bool{}
				for comment := range sectionTruth[name] {
					missing[comment] = true
				}
				for _, l := range p.Lines {
					delete(missing, lineOf(l))
					if l.Code.File == "" || path.Base(l.Code.File) != "sections.bpf.c" {
						t.Errorf("%d samples without a line, in %s", l.Samples, l.Code.Function)
					}
				}
				if len(missing) > 0 || p.Samples < enough {
					t.Errorf("%d samples, none in %v", p.Samples, missing)
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
		callFor(300*time.Millisecond, call)
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
		s, err := tr.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case (s.Inside != nil) != (hz > 0):
			t.Errorf("%d Hz: the snapshot has samples: %v", hz, s.Inside != nil)
		case hz > 0 && (s.Inside.Samples == 0 || s.Inside.Samples > 200):
			t.Errorf("%d samples in 300 ms at %d Hz", s.Inside.Samples, hz)
		}
	}
}

// bodiesOf returns what a call of each program takes without samples, in ns.
func bodiesOf(t *testing.T, calls map[string]func()) map[string]float64 {
	t.Helper()
	cal, err := tracer.Calibrate(context.Background(), tracer.CalibrateOptions{Sleepable: true})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := tracer.Start(context.Background(), tracer.Options{Calibration: cal})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	for _, call := range calls {
		callFor(20*time.Millisecond, call)
	}
	if err := tr.Poll(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]float64{}
	for i := range c.Rows {
		bodies[c.Rows[i].Program.Name] = c.Rows[i].Body / float64(c.Rows[i].Calls)
	}
	t.Logf("bodies without samples: %v", bodies)
	return bodies
}

// Each section takes a known share of the instructions. In 95 of 100 recordings the interval of a section holds it,
// whatever the rate; and the lines add up to the exact body.
func TestIcountSharesOfSections(t *testing.T) {
	r := vmtest.Guest(t)
	calls := attachSections(t)
	bodies := bodiesOf(t, calls)
	sections := 10
	for name, ns := range bodies {
		switch {
		case ns > 0:
		case name == "sections_sleepable" && r.AtLeast(7, 0) && !tracer.HasCX16():
			sections -= 2 // sleepable programs have no times there, see TestSleepablePrograms
		default:
			t.Fatalf("%s has no times", name)
		}
	}
	shares := map[int]map[string]float64{}
	for _, hz := range []int{1000, 20_000} {
		intervals, held := 0, 0
		shares[hz] = map[string]float64{}
		tr, err := tracer.Start(context.Background(), tracer.Options{Lines: hz})
		if err != nil {
			t.Fatal(err)
		}
		var before profile.Snapshot
		for range 12 {
			for _, call := range calls {
				for range 2 {
					callFor(time.Duration(150_000/hz)*time.Millisecond, call)
					if err := tr.Poll(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
			}
			now, err := tr.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			part := now
			if !before.Start.IsZero() {
				if part, err = now.Since(before); err != nil {
					t.Fatal(err)
				}
			}
			before = now
			c, err := part.Costs()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range c.Lines(nil) {
				for _, l := range p.Lines {
					turns, ok := sectionTruth[p.Program][lineOf(l)]
					if !ok || bodies[p.Program] == 0 {
						continue
					}
					intervals++
					// A turn is three instructions, and an instruction a nanosecond. The interrupts
					// lengthen the bodies, so the shares are compared.
					truth := 3 * turns / bodies[p.Program]
					if p.Share(l.Low) <= truth && truth <= p.Share(l.High) {
						held++
					}
				}
			}
		}
		c, err := before.Costs()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Lines(nil) {
			for _, l := range p.Lines {
				if comment := lineOf(l); comment != "" {
					shares[hz][p.Program+": "+comment] = p.Share(l.Body)
					t.Logf("%d Hz: %s: %s: %.3f of %d samples (%.3f to %.3f)", hz, p.Program,
						comment,
						p.Share(l.Body), p.Samples, p.Share(l.Low), p.Share(l.High))
				}
			}
		}
		tr.Close()
		t.Logf("%d Hz: %d of %d intervals hold the truth; %s", hz, held, intervals, before.Inside.Fact())
		if intervals != 12*sections || float64(held) < 0.9*float64(intervals) {
			t.Errorf("%d Hz: %d of %d intervals hold the truth", hz, held, intervals)
		}
	}
}
