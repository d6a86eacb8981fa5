package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench"
)

// Suite runs tests in one container. All scenarios share one copy of each test, as they share the mount namespace. It
// is not safe for concurrent use.
type Suite struct {
	runtime   *cri.Runtime
	container cri.Container
	program   *program // nil: the plan has no built-in test
	cpus      []int
	workers   map[string]*worker // of built-in tests, by name
}

// Open finds the plan's container through the runtime at endpoint and, if the plan has built-in tests, places their
// program in it. The caller must close the Suite, after the last worker has ended.
func Open(ctx context.Context, endpoint string, plan *rundir.Plan) (_ *Suite, err error) {
	s := &Suite{runtime: cri.New(endpoint), cpus: plan.CPUs, workers: map[string]*worker{}}
	defer func() {
		if err != nil {
			s.runtime.Close()
		}
	}()
	if err := s.runtime.Refresh(ctx); err != nil {
		return nil, err
	}
	if s.container, err = find(s.runtime.Containers(), plan.Container); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(plan.Tests, func(t rundir.Test) bool { return t.Kind == rundir.BuiltIn }) {
		return s, nil
	}
	if unixbench.Program() == nil {
		return nil, errors.New("this architecture has no built-in tests: give commands as tests")
	}
	root, err := os.Open(fmt.Sprintf("/proc/%d/root", s.container.PID))
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", plan.Container, err)
	}
	defer root.Close()
	as, err := userOf(s.container)
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", plan.Container, err)
	}
	if s.program, err = place(root, as); err != nil {
		return nil, fmt.Errorf("place the tests in container %s: %w. It needs a folder to write to and to "+
			"execute from, "+
			"such as a /tmp with the sticky bit", plan.Container, err)
	}
	return s, nil
}

// Check reports why Open would not find the plan's container, without changing anything.
func Check(ctx context.Context, endpoint string, plan *rundir.Plan) error {
	runtime := cri.New(endpoint)
	defer runtime.Close()
	if err := runtime.Refresh(ctx); err != nil {
		return err
	}
	_, err := find(runtime.Containers(), plan.Container)
	return err
}

// ByKind returns the suite of each kind of test that can run in a container.
func (s *Suite) ByKind() map[rundir.Kind]bench.Suite {
	return map[rundir.Kind]bench.Suite{rundir.BuiltIn: s, rundir.Command: commands{s}}
}

// Close removes what Open placed. A container that has ended took it along.
func (s *Suite) Close() error {
	defer s.runtime.Close()
	if s.program == nil {
		return nil
	}
	return s.program.Close()
}

// processes returns the processes that run the placed program, by their id on the host. A process that runs another
// file under the same path is not among them.
func (s *Suite) processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && s.runs(pid) {
			all = append(all, pid)
		}
	}
	return all, nil
}

// runs reports whether a process runs the placed program.
func (s *Suite) runs(pid int) bool {
	exe, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
	return err == nil && os.SameFile(exe, s.program.file)
}

func (s *Suite) pin(pid int) error {
	if len(s.cpus) == 0 {
		return nil
	}
	var set unix.CPUSet
	for _, cpu := range s.cpus {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(pid, &set); err != nil {
		return fmt.Errorf("pin to CPUs %v: %w; the container may be confined to other CPUs", s.cpus, err)
	}
	return nil
}
