package tracer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

func TestDenialsAreCounted(t *testing.T) {
	vmtest.Guest(t)
	lsmProgram(t, "denies", "task_getpgid", 0, deny()...)
	s, programs := measure(t, Options{}, func() { getpgid(100) })
	if n := programs[label("denies", "task_getpgid")].Calls(); n != 100 {
		t.Errorf("%d calls, want 100", n)
	}
	if len(s.Rows) != 1 || s.Rows[0].Denials != 100 {
		t.Errorf("%d rows, %d denials, want 1 with 100", len(s.Rows), s.Rows[0].Denials)
	}
}

// A sleepable program may move to another CPU, and other tasks may run it meanwhile. HasCX16 reports whether the CPU
// has cmpxchg16b. Since 7.0 the kernel allocates task storage with kmalloc_nolock, which needs it. It is broken in QEMU
// 7.2, so guests do not have it, and sleepable programs have no times.
func HasCX16() bool {
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	return bytes.Contains(cpu, []byte("cx16"))
}

func TestSleepablePrograms(t *testing.T) {
	r := vmtest.Guest(t)
	if !r.AtLeast(5, 18) {
		lsmProgram(t, "sleeps", "bprm_committed_creds", sleepable, allow()...)
		if _, err := Start(context.Background(), Options{}); err == nil {
			t.Error("a sleepable program was probed although the start of a call cannot be kept")
		}
		return
	}
	lsmProgram(t, "sleeps", "file_open", sleepable, allow()...)
	progs, err := Programs()
	if err != nil {
		t.Fatal(err)
	}
	if len(progs) != 1 || !progs[0].Sleepable || progs[0].Hook != "file_open" || progs[0].Name != "sleeps" {
		t.Fatalf("found %+v", progs)
	}
	const threads, each = 8, 500
	_, programs := measure(t, Options{}, func() {
		var g errgroup.Group
		for range threads {
			g.Go(func() error {
				runtime.LockOSThread()
				open(t, each)
				return nil
			})
		}
		g.Wait()
	})
	p := programs["sleeps"]
	if p.Calls() < threads*each {
		t.Errorf("%d calls, want %d: %+v", p.Calls(), threads*each, p)
	}
	if allocates := HasCX16() || !r.AtLeast(7, 0); allocates && p.Timed == 0 {
		t.Errorf("nothing was timed: %+v", p)
	}
}

// A tail call jumps past the place where a probe sits, so the caller's probe measures both programs and the callee's
// none.
func TestTailCalls(t *testing.T) {
	r := vmtest.Guest(t)
	if !r.AtLeast(5, 18) {
		t.Skip("before 5.18 hooks are probed")
	}
	tail := loadLSM(t, "callee", "task_getpgid", 0, deny()...)
	array, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.ProgramArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer array.Close()
	if err := array.Put(uint32(0), tail); err != nil {
		t.Fatal(err)
	}
	lsmProgram(t, "caller", "task_getpgid", 0,
		asm.LoadMapPtr(asm.R2, array.FD()), asm.Mov.Imm(asm.R3, 0), asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 0), asm.Return())
	s, programs := measure(t, Options{}, func() { getpgid(50) })
	if n := programs["caller"].Calls(); n != 50 {
		t.Errorf("caller: %d calls, want 50", n)
	}
	if _, probed := programs["callee"]; probed {
		t.Error("a program that is only tail-called was probed")
	}
	if len(s.Rows) != 1 || s.Rows[0].Denials != 50 {
		t.Errorf("rows %+v: want one, with the 50 denials of the callee", s.Rows)
	}
}

// Programs on several hooks of one syscall, and several on one hook, do not mix up their starts.
func TestNestedAndNeighbouringPrograms(t *testing.T) {
	r := vmtest.Guest(t)
	lsmProgram(t, "first", "sb_mount", 0, allow()...)
	lsmProgram(t, "second", "sb_mount", 0, allow()...)
	lsmProgram(t, "inner", "capable", 0, allow()...)
	dir := t.TempDir()
	const n = 40
	_, programs := measure(t, Options{Filter: Filter{PIDs: []uint32{uint32(os.Getpid())}}}, func() {
		for range n {
			if err := unix.Mount("none", dir, "tmpfs", 0, ""); err != nil {
				t.Error(err)
			}
			if err := unix.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		}
	})
	names := []string{"first", "second"}
	if !r.AtLeast(5, 18) {
		names = []string{"lsm/sb_mount"}
	}
	for _, name := range names {
		// Other tasks may preempt some of the calls.
		if p := programs[name]; p.Calls() != n || p.Missed > 0 || p.Timed < n/2 {
			t.Errorf("%s: %+v, want %d calls, most of them timed and none missed", name, p, n)
		}
	}
	if p := programs[label("inner", "capable")]; p.Timed < 2*n {
		t.Errorf("capable: %+v, want at least one for each mount and unmount", p)
	}
}

// One open may call two hooks: root may open a file without permissions if capable allows it, and then file_open
// decides.
func TestCapableInsideOpen(t *testing.T) {
	vmtest.Guest(t)
	lsmProgram(t, "opens", "file_open", 0, allow()...)
	lsmProgram(t, "allows", "capable", 0, allow()...)
	path := filepath.Join(t.TempDir(), "closed")
	if err := os.WriteFile(path, nil, 0); err != nil {
		t.Fatal(err)
	}
	const n = 70
	s, _ := measure(t, Options{}, func() {
		for range n {
			// Not openat, which the Go runtime may call meanwhile.
			fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{Flags: unix.O_RDONLY})
			if err != nil {
				t.Fatal(err)
			}
			unix.Close(fd)
		}
	})
	calls := map[string]uint64{}
	for i := range s.Rows {
		if r := &s.Rows[i]; r.Syscall == "openat2" {
			calls[s.Programs[r.Program].Hook] += r.Readings.Count() + r.Preempted
		}
	}
	if calls["file_open"] != n || calls["capable"] < n {
		t.Errorf("%v in openat2, want %d of file_open and as many or more of capable", calls, n)
	}
}

// Calls that find no free counter are counted, and a warning says how many they are.
func TestKeysWithoutACounter(t *testing.T) {
	vmtest.Guest(t)
	lsmProgram(t, "crowded", "task_getpgid", 0, allow()...)
	const namespaces, each = 120, 5 // more than the least memory gives
	crowd := func() { live(t, namespaces, func() { getpgid(each) }) }
	s, programs := measure(t, Options{Memory: 1}, crowd)
	p := programs[label("crowded", "task_getpgid")]
	if p.Calls() != namespaces*each {
		t.Errorf("%d calls, want %d", p.Calls(), namespaces*each)
	}
	other := recorded(s)[0]
	if other == 0 || other%each != 0 {
		t.Errorf("%d calls in [other], in %d rows; want all calls of some namespaces", other, len(s.Rows))
	}
	says := fmt.Sprintf("%s: %s of %s calls are charged to [other]",
		p.Label(), text.Thousands(other), text.Thousands(p.Calls()))
	costs, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	full := slices.IndexFunc(costs.Warnings(), func(w profile.Warning) bool {
		return w.Kind == profile.WarnCountersFull
	})
	if full < 0 || !strings.Contains(costs.Warnings()[full].Text, says) {
		t.Fatalf("warnings %q, want %q", costs.Warnings(), says)
	}
	if mib := costs.Warnings()[full].Memory; mib != s.EnoughMemory>>20 || mib == 0 {
		t.Errorf("%d MiB would do, want %d bytes", mib, s.EnoughMemory)
	}
	s, _ = measure(t, Options{Memory: s.EnoughMemory}, crowd)
	if got := recorded(s); got[0] > 0 || len(got) != namespaces {
		t.Errorf("with that memory, %d calls of %d namespaces are under [other]", got[0], namespaces-len(got))
	}
}

// One call in 16 is measured and counts 16 times.
func TestSampling(t *testing.T) {
	vmtest.Guest(t)
	lsmProgram(t, "denies", "task_getpgid", 0, deny()...)
	const n, of = 64000, 16
	s, programs := measure(t, Options{Sample: of}, func() { getpgid(n) })
	p := programs[label("denies", "task_getpgid")]
	// The distances between samples vary by about half their mean, and the sum of 4,000 distances by about 1 %.
	if calls := p.Calls(); calls < n*95/100 || calls > n*105/100 {
		t.Errorf("%d calls estimated, want about %d", calls, n)
	}
	if p.Timed%of != 0 {
		t.Errorf("%d timed: not a multiple of %d", p.Timed, of)
	}
	if denials := s.Rows[0].Denials; denials != p.Calls() {
		t.Errorf("%d denials in %d calls, want all denied", denials, p.Calls())
	}
}

func TestPlaceIsTheOrderOfAttaching(t *testing.T) {
	progs := []Program{
		{Name: "late", Hook: "file_open", Links: []link.ID{9}},
		{Name: "early", Hook: "file_open", Links: []link.ID{4}},
		{Name: "other", Hook: "capable", Links: []link.ID{6}},
		{Name: "unattached", Hook: "file_open"},
	}
	place(progs)
	var got []string
	for _, p := range progs {
		got = append(got, fmt.Sprint(p.Name, " ", p.Position))
	}
	if want := []string{"late 1", "early 0", "other 0", "unattached 0"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
