package tracer

import (
	"testing"

	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// An enforcer that is replaced attaches new programs. They run without probes until the next poll: the snapshot says
// how many programs that concerns and how long it lasted.
func TestProgramsAttachedDuringTheRecording(t *testing.T) {
	r := vmtest.Guest(t)
	attach := func() link.Link {
		l, err := link.AttachLSM(link.LSMOptions{
			Program: loadLSM(t, "replaced", "task_getpgid", 0, allow()...),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	old := attach()
	const n = 60
	s, _ := measureWhile(t, Options{}, func(poll func()) {
		getpgid(n)
		poll()
		old.Close()
		attach()
		getpgid(n) // the probes of a hook see these, those of a program do not
		poll()
		getpgid(n)
	})
	unprobed, calls := 1, uint64(2*n)
	if !r.AtLeast(5, 18) {
		unprobed, calls = 0, 3*n
	}
	if len(s.Programs) != 1 || s.Programs[0].Calls() != calls {
		t.Errorf("%+v: want one program with %d calls", s.Programs, calls)
	}
	if u := s.Unprobed; u.Programs != unprobed || u.Gone != 0 || (u.Time > 0) != (unprobed > 0) ||
		u.Time > s.Duration {
		t.Errorf("%+v in a recording of %v: want %d programs, and a time within it", u, s.Duration, unprobed)
	}
	if unprobed == 0 {
		return
	}
	if s, _ = measure(t, Options{}, func() { getpgid(n) }); s.Unprobed.String() != "" {
		t.Errorf("no program was attached meanwhile: %+v", s.Unprobed)
	}
}

// A program that was detached after it was listed is counted, and is no failure.
func TestProgramsThatAreGoneBeforeTheyAreProbed(t *testing.T) {
	if !vmtest.Guest(t).AtLeast(5, 18) {
		t.Skip("the probes are on hooks")
	}
	lsmProgram(t, "stays", "task_getpgid", 0, allow()...)
	tr, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	gone := tr.set.order[0].target
	gone.program.ID = 1 << 30
	n, err := tr.set.attach(t.Context(), []target{gone}, nil)
	if err != nil || n.Gone != 1 || n.Programs != 0 || len(tr.set.warnings) > 0 {
		t.Errorf("%+v, %v, warnings %v: want one program that is gone", n, err, tr.set.warnings)
	}
}
