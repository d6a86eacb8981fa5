package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

// censusLength is how long a census looks.
const censusLength = time.Second

// census is what a machine does without the filter that no call passed. It tells a mistyped name from an idle
// machine.
type census struct {
	calls, denied uint64
	slowest       float64 // body, ns
	seen          map[string]uint64
}

// nothingPassed returns the error about filters that no call passed, with what there is without them. It looks after
// the measurement, because counting dropped calls would make every one of them dearer.
func (s *session) nothingPassed(ctx context.Context, std streams, name, filters string) error {
	c, err := s.takeCensus(ctx, std)
	if err != nil {
		return fmt.Errorf("%s: no call passed %s; what else there is cannot be seen: %w", name, filters, err)
	}
	return fmt.Errorf("%s: no call passed %s; %s", name, filters, c)
}

// takeCensus counts the calls of the selected programs for censusLength, whoever makes them. Ctrl-C ends lsmprof
// meanwhile.
func (s *session) takeCensus(ctx context.Context, std streams) (c census, err error) {
	p := terminal.NewProgress(std.err, std.quiet)
	defer p.End()
	p.Show(-1, 0, "no call passed the filter; looking for a second at what there is")
	ctx = context.WithoutCancel(ctx)
	opts := s.baseOptions()
	stream, err := tracer.StartTrace(ctx, tracer.TraceOptions{
		Select: opts.Select, Enforcers: opts.Enforcers, Namer: opts.Namer, Memory: opts.Memory,
		Logger: opts.Logger,
	})
	if err != nil {
		return c, err
	}
	ctx, done := context.WithTimeout(ctx, censusLength)
	defer done()
	c.seen = map[string]uint64{}
	err = stream.Trace(ctx, func(e *tracer.Event) error {
		c.add(e, s.censusName(e))
		return nil
	}, func(tracer.Loss) error { return nil })
	if loss, lossErr := stream.Loss(); lossErr == nil {
		c.calls += loss.Total()
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

func (c *census) add(e *tracer.Event, name string) {
	c.calls++
	c.seen[name]++
	c.slowest = max(c.slowest, e.Body)
	if e.Return != 0 && !e.Void {
		c.denied++
	}
}

// maxSeen is how many names a census lists.
const maxSeen = 8

// String is `in a second without it there were 1,968 calls by sh, cat and mv; 3 were denied, the slowest took 5.8 ms`.
func (c census) String() string {
	if c.calls == 0 {
		return "in a second without it there was none either"
	}
	names := slices.SortedFunc(maps.Keys(c.seen), func(a, b string) int {
		if c.seen[a] != c.seen[b] {
			return int(c.seen[b]) - int(c.seen[a])
		}
		return strings.Compare(a, b)
	})
	if more := len(names) - maxSeen; more > 0 {
		names = append(names[:maxSeen], fmt.Sprintf("%d others", more))
	}
	return text.Printable(fmt.Sprintf(
		"in a second without it there were %s calls by %s; %s were denied, the slowest took %s",
		text.Thousands(c.calls), text.List(names), text.Thousands(c.denied), text.Duration(c.slowest)))
}
