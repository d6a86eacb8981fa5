package container

import (
	"context"
	"strconv"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// commandLimit is how long a pass of a command may take before the runtime kills it.
const commandLimit = 30 * time.Minute

// commands runs tests that are commands. Each pass is its own exec. Without a metric, the time that the runtime
// takes for that, tens of milliseconds, counts as the command's, in every scenario alike.
type commands struct{ suite *Suite }

type command struct {
	suite *Suite
	test  rundir.Test
}

func (c commands) Start(_ context.Context, t rundir.Test, _ int) (bench.Worker, error) {
	return command{c.suite, t}, nil
}

// PID returns the container's main process, which stands for its mount namespace.
func (c command) PID() int { return c.suite.container.PID }

// Slice runs the command to its end.
func (c command) Slice(ctx context.Context, _, _ time.Duration) (bench.Sample, error) {
	argv := []string{"/bin/sh", "-c", c.test.Run}
	start := time.Now()
	out, err := c.suite.runtime.Run(ctx, c.suite.container.ID, argv, commandLimit)
	took := float64(time.Since(start).Nanoseconds())
	if err != nil {
		return bench.Sample{}, err
	}
	output := append(out.Stdout, out.Stderr...)
	if out.Status != 0 {
		return bench.Sample{}, bench.CommandFailed(strconv.Itoa(out.Status), output)
	}
	return bench.SampleOf(c.test, output, took)
}

func (c command) Close() error { return nil }
