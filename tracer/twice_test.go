package tracer

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// A program that is loaded twice is two programs of one name, which are charged apart.
func TestProgramLoadedTwice(t *testing.T) {
	r := vmtest.Guest(t)
	// The kernel runs the latest program first, and no program after one that denies.
	first := programID(t, lsmProgram(t, "twin", "task_getpgid", 0, deny()...))
	second := programID(t, lsmProgram(t, "twin", "task_getpgid", 0, allow()...))
	const n = 60
	s, _ := measure(t, Options{}, func() { getpgid(n) })
	if !r.AtLeast(5, 18) {
		if len(s.Programs) != 1 || s.Programs[0].Calls() != n {
			t.Errorf("%+v: want the hook, once, with %d calls", s.Programs, n)
		}
		return
	}
	if len(s.Programs) != 2 {
		t.Fatalf("%+v: want two programs", s.Programs)
	}
	denials := map[uint32]uint64{}
	for _, row := range s.Rows {
		denials[s.Programs[row.Program].ID] += row.Denials
	}
	for i, want := range []struct{ id, denials uint64 }{{uint64(first), n}, {uint64(second), 0}} {
		p := s.Programs[i]
		same := p.Name == "twin" && uint64(p.ID) == want.id && p.Position == i
		if !same || p.Calls() != n || denials[p.ID] != want.denials {
			t.Errorf("%+v with %d denials, want twin, id %d, position %d, with %d calls, %d of them denied",
				p, denials[p.ID], want.id, i, n, want.denials)
		}
	}
}

// A program can have one link to a hook at a time. If it is attached again, its earlier rows go on.
func TestProgramAttachedAgain(t *testing.T) {
	r := vmtest.Guest(t)
	prog := loadLSM(t, "again", "task_getpgid", 0, allow()...)
	l, err := link.AttachLSM(link.LSMOptions{Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	refused := unix.EBUSY
	if !r.AtLeast(5, 13) {
		refused = unix.ENOENT // before f3a95075549e a program could be attached only once
	}
	if twin, err := link.AttachLSM(link.LSMOptions{Program: prog}); !errors.Is(err, refused) {
		t.Fatalf("a second link: %v, %v; want %v. If this kernel allows it, test that the program runs twice",
			twin, err, refused)
	}
	defer func() { l.Close() }()
	const n = 60
	again := 0
	s, _ := measureWhile(t, Options{}, func(poll func()) {
		getpgid(n)
		if !r.AtLeast(5, 13) {
			return
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		poll()
		getpgid(n) // while it is detached
		if l, err = link.AttachLSM(link.LSMOptions{Program: prog}); err != nil {
			t.Fatal(err)
		}
		poll()
		getpgid(n)
		again = n
	})
	if len(s.Programs) != 1 || s.Programs[0].Calls() != uint64(n+again) {
		t.Errorf("%+v: want one program with %d calls", s.Programs, n+again)
	}
}

// A program of a cgroup (lsm_cgroup, 6.0) may have several links. It runs once for each cgroup that the task is in.
func TestProgramWithTwoLinks(t *testing.T) {
	r := vmtest.Guest(t)
	if !r.AtLeast(6, 0) {
		t.Skip("lsm_cgroup came with 6.0")
	}
	inner := filepath.Join("/sys/fs/cgroup", "twice")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(inner) })
	const hook = "socket_socketpair"
	prog := loadLSMCgroup(t, "scoped", hook, proceed()...)
	for _, path := range []string{"/sys/fs/cgroup", inner} {
		l, err := link.AttachCgroup(link.CgroupOptions{Path: path, Attach: ebpf.AttachLSMCgroup, Program: prog})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
	}
	progs, err := Programs()
	if err != nil || len(progs) != 1 || len(progs[0].Links) != 2 || progs[0].Hook != hook {
		t.Fatalf("%+v, %v: want one program on %s with two links", progs, err, hook)
	}
	enter := func(cgroup string) {
		pid := strconv.Itoa(os.Getpid())
		if err := os.WriteFile(filepath.Join(cgroup, "cgroup.procs"), []byte(pid), 0); err != nil {
			t.Fatal(err)
		}
	}
	const n = 30
	s, programs := measure(t, Options{}, func() {
		socketpairs(t, n) // in one of the cgroups
		enter(inner)
		defer enter("/sys/fs/cgroup")
		socketpairs(t, n) // in both
	})
	if p := programs["scoped"]; len(s.Programs) != 1 || p.Calls() != 3*n {
		t.Errorf("%+v: want %d calls of one program", s.Programs, 3*n)
	}
}

func socketpairs(t *testing.T, n int) {
	t.Helper()
	for range n {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(pair[0])
		unix.Close(pair[1])
	}
}

func programID(t *testing.T, prog *ebpf.Program) ebpf.ProgramID {
	t.Helper()
	info, err := prog.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, ok := info.ID()
	if !ok {
		t.Fatal("the kernel gives programs no ids")
	}
	return id
}
