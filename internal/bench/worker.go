package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Worker is a copy of a test in its own mount namespace, or in one that it shares with copies of other tests. It
// only waits until Slice is called.
type Worker interface {
	// Slice lets the test run: for d if it can be sliced, else for one whole pass. Operations during the warm-up do
	// not count.
	Slice(ctx context.Context, d, warmup time.Duration) (Sample, error)
	PID() int
	// Close ends the test. The error says that its results were wrong.
	Close() error
}

// Sample is the work of one slice.
type Sample struct {
	Ops, Ns float64
	Output  []byte // of the test, to be kept; may be nil
}

// Suite starts copies of tests.
type Suite interface {
	// Start returns when the copy is set up and waits. join is a process whose mount namespace the copy enters; 0:
	// a new one.
	Start(ctx context.Context, t rundir.Test, join int) (Worker, error)
}

// workers are the copies of a batch, one of each test in each slot. Copies in the same slot share a mount namespace if
// they can.
type workers struct {
	byTest [][]Worker // and by slot
	mntns  [][]uint32 // by slot
}

func startWorkers(
	ctx context.Context, suites map[rundir.Kind]Suite, batch []rundir.Test, slots int,
) (_ *workers, err error) {
	c := &workers{mntns: make([][]uint32, slots)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	for i, t := range batch {
		c.byTest = append(c.byTest, nil)
		for slot := range slots {
			join := 0
			if i > 0 {
				join = c.byTest[0][slot].PID()
			}
			suite := suites[t.Kind]
			if suite == nil {
				return c, fmt.Errorf("%s: tests of kind %q cannot run here", t.Name, t.Kind)
			}
			w, err := startTest(ctx, suite, t, join)
			if err != nil {
				return c, fmt.Errorf("start %s: %w", t.Name, err)
			}
			c.byTest[i] = append(c.byTest[i], w)
			for _, pid := range pidsOf(w) {
				if err := c.addNamespace(slot, pid); err != nil {
					return c, fmt.Errorf("%s: %w", t.Name, err)
				}
			}
		}
	}
	return c, nil
}

// addNamespace adds the mount namespace of a process to those of a slot.
func (c *workers) addNamespace(slot, pid int) error {
	ns, err := kernel.MountNamespace(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return err
	}
	if !slices.Contains(c.mntns[slot], ns) {
		c.mntns[slot] = append(c.mntns[slot], ns)
	}
	return nil
}

func (c *workers) Close() error {
	var all error
	// The first test holds the namespaces.
	for i := len(c.byTest) - 1; i >= 0; i-- {
		for _, w := range c.byTest[i] {
			all = errors.Join(all, w.Close())
		}
	}
	return all
}

func (c *workers) pids() []int {
	var all []int
	for _, ws := range c.byTest {
		for _, w := range ws {
			for _, pid := range pidsOf(w) {
				if !slices.Contains(all, pid) {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}
