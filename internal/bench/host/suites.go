package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench"
)

// Options say where tests keep their files and how a UnixBench is prepared.
type Options struct {
	WorkDir string // folder below which tests keep their files; empty: the temporary directory
	Build   bool   // build the plan's UnixBench with make if its programs are missing
}

// Suites holds what the tests of one plan need on this machine: a work folder and the programs in it.
type Suites struct {
	byKind map[rundir.Kind]bench.Suite
	close  []func() error // in the order of creation
}

// Open prepares the tests of a plan. The caller must close the Suites, after the last worker has ended.
func Open(ctx context.Context, plan *rundir.Plan, o Options) (_ *Suites, err error) {
	s := &Suites{byKind: map[rundir.Kind]bench.Suite{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	work, err := newWorkFolder(o.WorkDir)
	if err != nil {
		return nil, fmt.Errorf("work folder: %w", err)
	}
	s.close = append(s.close, work.Close)
	if slices.ContainsFunc(plan.Tests, func(t rundir.Test) bool { return t.Kind == rundir.BuiltIn }) {
		program, err := unixbench.Extract(work.path)
		if err != nil {
			return nil, err
		}
		s.close = append(s.close, program.Close)
		s.byKind[rundir.BuiltIn] = builtinSuite{program, work.path, plan}
	}
	s.byKind[rundir.Command] = Commands{CPUs: plan.CPUsOf, Dir: work.path}
	if plan.UnixBench != "" {
		programs := unixbench.Real{Dir: plan.UnixBench, Build: o.Build}
		if err := programs.Prepare(ctx); err != nil {
			return nil, err
		}
		s.byKind[rundir.Real] = unixbenchSuite{programs, plan, Commands{Dir: work.path}}
	}
	return s, nil
}

// Check reports what Open and the tests of a plan would miss on this machine, without changing anything: CPUs, the work
// folder, a UnixBench and the commands of tests.
func Check(plan *rundir.Plan, o Options) error {
	if err := checkCPUs(plan); err != nil {
		return err
	}
	dir := cmp.Or(o.WorkDir, os.TempDir())
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("work folder: %w", err)
	} else if !info.IsDir() {
		return fmt.Errorf("work folder: %s is not a directory", dir)
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("work folder: write to %s: %w", dir, err)
	}
	if plan.UnixBench != "" && !o.Build {
		programs := unixbench.Real{Dir: plan.UnixBench}
		if err := programs.Prepare(context.Background()); err != nil {
			return err
		}
	}
	for _, t := range plan.Tests {
		if t.Kind != rundir.Command {
			continue
		}
		// Each copy runs in its own folder, as new as this one.
		if err := bench.CheckShell(t.Run, "/"); err != nil {
			return fmt.Errorf("test %s: %w", t.Name, err)
		}
	}
	return nil
}

// ByKind returns the suite of each kind of test.
func (s *Suites) ByKind() map[rundir.Kind]bench.Suite { return s.byKind }

// Close removes the programs and the work folder.
func (s *Suites) Close() error {
	var all error
	for _, f := range slices.Backward(s.close) {
		all = errors.Join(all, f())
	}
	return all
}
