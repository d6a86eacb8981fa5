package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/tracefmt"
	"github.com/lsmprof/lsmprof/tracer"
)

// nothingPassed returns the error about filters that no call passed. It says which calls there are without them, which
// tells a mistyped name from an idle machine. It counts them only now, after the measurement: counting dropped calls
// would make each of them more expensive.
func (s *session) nothingPassed(ctx context.Context, std streams, name, filters string) error {
	c, err := s.takeCensus(ctx, std)
	if err != nil {
		return fmt.Errorf("%s: no call passed %s; counting the calls without it failed as well: %w",
			name, filters, err)
	}
	return fmt.Errorf("%s: no call passed %s; %s", name, filters, c)
}

// censusLength is how long a census counts.
const censusLength = time.Second

// takeCensus counts calls for a second. It ignores that ctx may be done: Ctrl-C may have ended the measurement. Another
// Ctrl-C ends lsmprof.
func (s *session) takeCensus(ctx context.Context, std streams) (c tracefmt.Census, err error) {
	p := terminal.NewProgress(std.err, std.quiet)
	defer p.End()
	p.Show(-1, 0, "no call passed the filter; counting the calls without it for a second")
	opts := s.baseOptions()
	ctx = context.WithoutCancel(ctx)
	stream, err := tracer.StartTrace(ctx, tracer.TraceOptions{
		Select: opts.Select, Functions: opts.Functions, Enforcers: opts.Enforcers, Namer: opts.Namer,
		Memory: opts.Memory,
		Logger: opts.Logger,
	})
	if err != nil {
		return c, err
	}
	ctx, done := context.WithTimeout(ctx, censusLength)
	defer done()
	err = stream.Trace(ctx, func(e *tracer.Event) error {
		c.Add(e, s.censusName(e))
		return nil
	}, func(tracer.Loss) error { return nil })
	if loss, lossErr := stream.Loss(); lossErr == nil {
		c.AddLost(loss.Total())
	}
	if closeErr := stream.Close(); err == nil {
		err = closeErr
	}
	return c, err
}

// censusName returns what the filter selects calls by: a command, a process or a workload.
func (s *session) censusName(e *tracer.Event) string {
	switch {
	case s.comm != "":
		return e.Comm
	case len(s.pids) > 0:
		return fmt.Sprintf("%s (pid %d)", e.Comm, e.PID)
	}
	return e.Workload.Name()
}
