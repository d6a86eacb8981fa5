package unixbench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

func extract(t *testing.T) *Suite {
	t.Helper()
	s, err := Extract(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSlices(t *testing.T) {
	suite := extract(t)
	for _, test := range Tests() {
		if !test.Builtin {
			continue
		}
		t.Run(test.Name, func(t *testing.T) {
			needsRoot(t, test.Name)
			dir := t.TempDir()
			p, err := suite.Start(t.Context(), test.Name, Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			for range 3 {
				const d = 50 * time.Millisecond
				ops, ns, err := p.Slice(d, d/5)
				if err != nil {
					t.Fatal(err)
				}
				if ops == 0 || ns < uint64(d) {
					t.Errorf("slice: %d operations in %d ns", ops, ns)
				}
				t.Logf("%d ns/op", ns/ops)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			mustBeEmpty(t, dir)
		})
	}
}

// Parked copies take no time from the one that runs, and a slice takes as long as requested.
func TestManyParked(t *testing.T) {
	suite := extract(t)
	var parked []*Parked
	for range 6 {
		parked = append(parked, start(t, suite, "execl", Options{Dir: t.TempDir()}))
	}
	for round := range 3 {
		for i, p := range parked {
			pid := p.PID()
			ops, ns, err := p.Slice(5*time.Millisecond, time.Millisecond)
			if err != nil || ops == 0 || ns < uint64(5*time.Millisecond) {
				t.Fatalf("round %d, copy %d: %d operations in %d ns, %v", round, i, ops, ns, err)
			}
			if err := syscall.Kill(pid, 0); err != nil || p.PID() != pid {
				t.Errorf("execl has another process than before: %v", err)
			}
		}
	}
}

// A test without --sliced prints what UnixBench's programs print.
func TestStandalone(t *testing.T) {
	suite := extract(t)
	for _, test := range []string{"execl", "pipe", "fstime", "shell1", "socket"} {
		cmd := exec.Command(suite.Path, test, "--duration", "0.1", "--dir", t.TempDir())
		cmd.Env = defaultEnv()
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil || stdout.Len() > 0 {
			t.Errorf("%s: %v, %q", test, err, stdout.String())
		}
		want, _ := Find(test)
		if pass, err := score.ParseOutput(stderr.String(), 100*time.Millisecond); err != nil ||
			pass.Unit != want.Unit {
			t.Errorf("%s: %+v, %v", test, pass, err)
		}
	}
	for _, args := range [][]string{
		nil,
		{"nonsense"},
		{"pipe", "--duration", "0"},
		{"pipe", "--duration", "x"},
		{"pipe", "--dir"},
	} {
		err := exec.Command(suite.Path, args...).Run()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 2 {
			t.Errorf("%q: %v, want exit status 2", args, err)
		}
	}
}

func TestPass(t *testing.T) {
	r, err := extract(t).Pass(t.Context(), "fsbuffer", 20*time.Millisecond, Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if want := float64(r.Ops) / 4 / r.Elapsed.Seconds(); r.Unit != "KBps" || r.Score < want*0.999 ||
		r.Score > want*1.001 {
		t.Errorf("%+v, want a score of %f", r, want)
	}
}

func TestMountNamespaces(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a mount namespace needs root")
	}
	suite := extract(t)
	attr := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	first := start(t, suite, "pipe", Options{SysProcAttr: attr})
	second := start(t, suite, "execl", Options{MountNSOf: first.PID()})
	namespace := func(pid int) string {
		t.Helper()
		link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	if namespace(first.PID()) == namespace(os.Getpid()) {
		t.Error("the test has no namespace of its own")
	}
	if namespace(first.PID()) != namespace(second.PID()) {
		t.Error("the test is not in the namespace of the other process")
	}
	if _, _, err := second.Slice(5*time.Millisecond, 0); err != nil {
		t.Error(err)
	}
	if namespace(first.PID()) != namespace(second.PID()) {
		t.Error("execl left its namespace")
	}
}

func TestCPUs(t *testing.T) {
	all, err := kernel.AllowedCPUs(0)
	if err != nil {
		t.Fatal(err)
	}
	last := all[len(all)-1]
	suite := extract(t)
	for _, c := range []struct {
		test string
		o    Options
		want []int
	}{
		{"pipe", Options{}, all},
		{"pipe", Options{CPUs: all[:1]}, all[:1]},
		{"context1", Options{}, []int{last}},
		{"context1", Options{CPUs: all[:1]}, all[:1]},
		{"context1", Options{NoPin: true}, all},
	} {
		p := start(t, suite, c.test, c.o)
		if got := affinity(t, p.PID()); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s %+v runs on %v, want %v", c.test, c.o, got, c.want)
		}
	}
}
