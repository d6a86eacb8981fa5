package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// commandLimit is what a command in a container gets for a pass; then the runtime kills it.
const commandLimit = 30 * time.Minute

// containerCommands runs tests that are commands in a container. Each pass is an exec of its own: without a metric, what the runtime
// takes for that, tens of milliseconds, counts as the command's time, in every scenario alike.
type containerCommands struct{ suite *containerSuite }

type containerCommand struct {
	ctx   context.Context
	suite *containerSuite
	test  rundir.Test
}

func (c containerCommands) Start(ctx context.Context, t rundir.Test, _ int) (bench.Worker, error) {
	return containerCommand{ctx, c.suite, t}, nil
}

// PID is the container's main process, which stands for its mount namespace.
func (c containerCommand) PID() int { return c.suite.container.PID }

// Slice runs the command to its end.
func (c containerCommand) Slice(_, _ time.Duration) (bench.Sample, error) {
	start := time.Now()
	out, err := c.suite.runtime.Run(c.ctx, c.suite.container.ID, []string{"/bin/sh", "-c", c.test.Run}, commandLimit)
	took := float64(time.Since(start).Nanoseconds())
	if err != nil {
		return bench.Sample{}, err
	}
	output := append(out.Stdout, out.Stderr...)
	if out.Status != 0 {
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		return bench.Sample{}, fmt.Errorf("exit status %d: %s", out.Status, text.Printable(lines[len(lines)-1]))
	}
	return bench.SampleOf(c.test, output, took)
}

func (c containerCommand) Close() error { return nil }
