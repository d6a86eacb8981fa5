package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/tracer"
)

// Worker is a copy of a test in a mount namespace of its own, or shared with copies of other tests. It does nothing until it is
// told to.
type Worker interface {
	// Slice lets it run: until d is over or, where a test is not sliced, for a whole pass. Operations during the warm-up are not
	// counted.
	Slice(d, warmup time.Duration) (Sample, error)
	PID() int
	// Close ends it. The error says that its results were wrong.
	Close() error
}

// Sample is what a worker did in a slice.
type Sample struct {
	Ops, Ns float64
	Output  []byte // what it printed, to be kept; may be nil
}

// Suite starts copies of tests.
type Suite interface {
	// Start returns when the copy is ready and waits. join is a process whose mount namespace it goes to; 0: a new one.
	Start(ctx context.Context, t Test, join int) (Worker, error)
}

// copies are the workers of a batch: one for each test in each slot. The copies in a slot share a namespace where they can.
type copies struct {
	workers [][]Worker // by test, by slot
	mntns   [][]uint32 // by slot
}

func startCopies(ctx context.Context, suites map[Kind]Suite, batch []Test, slots int) (_ *copies, err error) {
	c := &copies{mntns: make([][]uint32, slots)}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	for i, t := range batch {
		c.workers = append(c.workers, nil)
		for slot := range slots {
			join := 0
			if i > 0 {
				join = c.workers[0][slot].PID()
			}
			suite := suites[t.Kind]
			if suite == nil {
				return c, fmt.Errorf("%s: nothing here runs tests of kind %q", t.Name, t.Kind)
			}
			w, err := startTest(ctx, suite, t, join)
			if err != nil {
				return c, fmt.Errorf("start %s: %w", t.Name, err)
			}
			c.workers[i] = append(c.workers[i], w)
			for _, pid := range pidsOf(w) {
				if err := c.note(slot, pid); err != nil {
					return c, fmt.Errorf("%s: %w", t.Name, err)
				}
			}
		}
	}
	return c, nil
}

// note adds the namespace of a process to those of a slot.
func (c *copies) note(slot, pid int) error {
	ns, err := tracer.MountNamespace(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return err
	}
	for _, known := range c.mntns[slot] {
		if known == ns {
			return nil
		}
	}
	c.mntns[slot] = append(c.mntns[slot], ns)
	return nil
}

func (c *copies) Close() error {
	var all error
	// The first ones hold the namespaces.
	for i := len(c.workers) - 1; i >= 0; i-- {
		for _, w := range c.workers[i] {
			all = errors.Join(all, w.Close())
		}
	}
	return all
}

func (c *copies) pids() []int {
	var all []int
	for _, ws := range c.workers {
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
