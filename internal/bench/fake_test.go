package bench

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

func testPlan() rundir.Plan {
	return rundir.Plan{
		Order: rundir.Interleaved, Seed: 42, Runs: 2, Slice: 10 * time.Millisecond,
		Scenarios: rundir.ReferenceScenarios([]enforcer.Rules{{File: 1}, {File: 8}}, []string{"1", "8"}),
		Tests: []rundir.Test{
			{Name: "a", Kind: rundir.BuiltIn},
			{Name: "b", Kind: rundir.BuiltIn},
			{Name: "slow", Kind: rundir.Command},
		},
	}
}

// fakeSuite is a suite whose tests take no time. Their score depends on the scenario that is in force.
type fakeSuite struct {
	enforcer *fakeEnforcer
	open     *int
	mu       *sync.Mutex
	after    func() error // called with every slice
	rng      *rand.Rand
	clock    time.Duration              // the sum of all slices
	around   func() rundir.Interference // nil: no other process runs
}

func (f *fakeSuite) now() time.Time { return time.Unix(0, 0).Add(f.clock) }

func (f *fakeSuite) watched() rundir.Interference {
	if f.around == nil {
		return rundir.Interference{}
	}
	return f.around()
}

type fakeEnforcer struct {
	NoEnforcer
	state  rundir.State
	closed int
	forgot int
}

func (e *fakeEnforcer) Switch(_ context.Context, s rundir.State) error {
	e.state = s
	return nil
}

func (e *fakeEnforcer) Forget() { e.forgot++ }

func (e *fakeEnforcer) Close() error {
	e.closed++
	return nil
}

func newFakeSuite() *fakeSuite {
	return &fakeSuite{
		enforcer: &fakeEnforcer{}, open: new(int), mu: &sync.Mutex{},
		rng: rand.New(rand.NewPCG(1, 1)),
	}
}

func (f *fakeSuite) Start(context.Context, rundir.Test, int) (Worker, error) {
	*f.open++
	return &fakeWorker{f}, nil
}

type fakeWorker struct{ suite *fakeSuite }

// Slice loses 10 % while the enforcer is installed.
func (w *fakeWorker) Slice(_ context.Context, d, _ time.Duration) (Sample, error) {
	f := w.suite
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.after != nil {
		if err := f.after(); err != nil {
			return Sample{}, err
		}
	}
	f.clock += d
	ops := 1000 * (1 + 0.01*f.rng.NormFloat64())
	if f.enforcer.state == rundir.Installed {
		ops *= 0.9
	}
	return Sample{Ops: ops, Ns: float64(d)}, nil
}

func (w *fakeWorker) PID() int { return os.Getpid() }

func (w *fakeWorker) Close() error {
	*w.suite.open--
	return nil
}

// namespaceSuite starts processes that only wait, each in its own mount namespace. A slice takes no time.
type namespaceSuite struct{}

func (namespaceSuite) Start(context.Context, rundir.Test, int) (Worker, error) {
	cmd := exec.Command("/bin/cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return namespaceWorker{cmd, in}, cmd.Start()
}

type namespaceWorker struct {
	*exec.Cmd
	in io.Closer
}

func (w namespaceWorker) PID() int { return w.Process.Pid }

func (namespaceWorker) Slice(context.Context, time.Duration, time.Duration) (Sample, error) {
	return Sample{Ops: 1, Ns: 1e6}, nil
}

func (w namespaceWorker) Close() error { return errors.Join(w.in.Close(), w.Wait()) }
