package bench

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// fakeSuite is a suite whose tests take no time: what they do depends on the scenario that is in force in their slot.
type fakeSuite struct {
	enforcer *fakeEnforcer
	open     *int
	mu       *sync.Mutex
	after    func() error // called with every slice
	rng      *rand.Rand
	clock    time.Duration // what all slices took
	around   func() Around // nil: nobody else is there
}

func (f *fakeSuite) now() time.Time { return time.Unix(0, 0).Add(f.clock) }

func (f *fakeSuite) watched() Around {
	if f.around == nil {
		return Around{}
	}
	return f.around()
}

type fakeEnforcer struct {
	NoEnforcer
	state  State
	closed int
	forgot int
}

func (e *fakeEnforcer) Switch(_ context.Context, s State) error {
	e.state = s
	return nil
}

func (e *fakeEnforcer) Forget() { e.forgot++ }

func (e *fakeEnforcer) Close() error {
	e.closed++
	return nil
}

func newFakeSuite() *fakeSuite {
	return &fakeSuite{enforcer: &fakeEnforcer{}, open: new(int), mu: &sync.Mutex{}, rng: rand.New(rand.NewPCG(1, 1))}
}

func (f *fakeSuite) Start(context.Context, Test, int) (Worker, error) {
	*f.open++
	return &fakeWorker{f}, nil
}

type fakeWorker struct{ suite *fakeSuite }

// Slice loses 10 % while the enforcer is installed.
func (w *fakeWorker) Slice(d, _ time.Duration) (Sample, error) {
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
	if f.enforcer.state == Installed {
		ops *= 0.9
	}
	return Sample{Ops: ops, Ns: float64(d)}, nil
}

func (w *fakeWorker) PID() int { return os.Getpid() }

func (w *fakeWorker) Close() error {
	*w.suite.open--
	return nil
}
