package host

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

// DefaultTests names the tests of UnixBench that the published benchmarks of enforcers report.
var DefaultTests = []string{
	"execl", "fstime", "fsbuffer", "fsdisk", "pipe", "context1", "spawn", "shell1", "shell8", "syscall",
}

// BuiltinTests returns the built-in tests with these names. The name "all" stands for every one, "probes" for those
// that UnixBench does not have.
func BuiltinTests(names []string) ([]rundir.Test, error) {
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
			return nil, fmt.Errorf("no built-in test %q; choose among %s", name,
				strings.Join(BuiltinNames(), ", "))
		}
		out = append(out, builtinTest(t))
	}
	return out, nil
}

// BuiltinNames returns the names of the built-in tests.
func BuiltinNames() []string {
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
		Name: t.Name, Label: t.BuiltinLabel(), Unit: t.Unit, Kind: rundir.BuiltIn,
		Baseline: t.Baseline, Hooks: t.Hooks,
		PerRate: t.Score(many, many*time.Second/1_000_000) / 1_000_000,
	}
}

// builtinSuite starts built-in tests, each copy in its own mount namespace unless it joins that of another test.
type builtinSuite struct {
	program *unixbench.Suite
	dir     string
	plan    *rundir.Plan
}

func (b builtinSuite) Start(ctx context.Context, t rundir.Test, join int) (bench.Worker, error) {
	o := unixbench.Options{Dir: b.dir, CPUs: slices.Clone(b.plan.CPUsOf(t)), MountNSOf: join}
	if join == 0 {
		o.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	p, err := b.program.Start(ctx, t.Name, o)
	if err != nil {
		return nil, err
	}
	return builtinWorker{p}, nil
}

// builtinWorker ends with the context that it was started with.
type builtinWorker struct{ *unixbench.Parked }

func (w builtinWorker) Slice(_ context.Context, d, warmup time.Duration) (bench.Sample, error) {
	ops, ns, err := w.Parked.Slice(d, warmup)
	return bench.Sample{Ops: float64(ops), Ns: float64(ns)}, err
}
