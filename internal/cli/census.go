package cli

import (
	"context"
	"fmt"

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

// takeCensus counts calls for a second. It ignores that ctx may be done: Ctrl-C may have ended the measurement. Another
// Ctrl-C ends lsmprof.
func (s *session) takeCensus(ctx context.Context, std streams) (tracefmt.Census, error) {
	p := terminal.NewProgress(std.err, std.quiet)
	defer p.End()
	p.Show(-1, 0, "no call passed the filter; counting the calls without it for a second")
	opts := s.baseOptions()
	return tracefmt.TakeCensus(context.WithoutCancel(ctx), tracer.TraceOptions{
		Select: opts.Select, Functions: opts.Functions, Enforcers: opts.Enforcers, Namer: opts.Namer,
		Memory: opts.Memory, Logger: opts.Logger,
	}, s.censusName)
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
