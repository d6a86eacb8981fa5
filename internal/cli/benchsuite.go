package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench"
)

// defaultTests are those of UnixBench that the published benchmarks of enforcers report.
var defaultTests = []string{"execl", "fstime", "fsbuffer", "fsdisk", "pipe", "context1", "spawn", "shell1", "shell8", "syscall"}

// builtinTests finds tests of the suite by name; "all" and "probes" stand for several.
func builtinTests(names []string) ([]rundir.Test, error) {
	var out []rundir.Test
	for _, name := range names {
		if name == "all" || name == "probes" {
			for _, t := range unixbench.Tests() {
				if t.Builtin && (name == "all" || !t.Real) {
					out = append(out, builtinTest(t))
				}
			}
			continue
		}
		t, ok := unixbench.Find(name)
		if !ok || !t.Builtin {
			return nil, fmt.Errorf("no built-in test %q; there are %s", name, strings.Join(builtinNames(), ", "))
		}
		out = append(out, builtinTest(t))
	}
	return out, nil
}

func builtinNames() []string {
	var names []string
	for _, t := range unixbench.Tests() {
		if t.Builtin {
			names = append(names, t.Name)
		}
	}
	return names
}

func builtinTest(t unixbench.Test) rundir.Test {
	const many = 1_000_000_000
	return rundir.Test{
		Name: t.Name, Label: t.BuiltinLabel(), Unit: t.Unit, Kind: rundir.BuiltIn, Baseline: t.Baseline, Hooks: t.Hooks,
		PerRate: t.Score(many, many*time.Second/1_000_000) / 1_000_000,
	}
}

// builtinSuite starts the built-in tests, each copy in a mount namespace of its own.
type builtinSuite struct {
	suite *unixbench.Suite
	dir   string
	plan  *rundir.Plan
}

func (b builtinSuite) Start(ctx context.Context, t rundir.Test, join int) (bench.Worker, error) {
	o := unixbench.Options{Dir: b.dir, CPUs: slices.Clone(b.plan.CPUsOf(t)), MountNSOf: join}
	if join == 0 {
		o.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	p, err := b.suite.Start(ctx, t.Name, o)
	if err != nil {
		return nil, err
	}
	return parked{p}, nil
}

type parked struct{ *unixbench.Parked }

func (p parked) Slice(d, warmup time.Duration) (bench.Sample, error) {
	ops, ns, err := p.Parked.Slice(d, warmup)
	return bench.Sample{Ops: float64(ops), Ns: float64(ns)}, err
}
