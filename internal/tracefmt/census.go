package tracefmt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

// Census counts calls that no filter drops, and says who made them.
type Census struct {
	calls, denied uint64
	slowest       float64 // body, ns
	seen          map[string]uint64
}

// add counts a call of name: a command, a process or a workload.
func (c *Census) add(e *tracer.Event, name string) {
	if c.seen == nil {
		c.seen = map[string]uint64{}
	}
	c.calls++
	c.seen[name]++
	c.slowest = max(c.slowest, e.Body)
	if e.Return != 0 && !e.Void {
		c.denied++
	}
}

// mostNames is how many names a census lists.
const mostNames = 8

// String returns `in a second without it there were 1,968 calls by sh, cat and mv; 3 were denied, the slowest took 5.8
// ms`.
func (c Census) String() string {
	if c.calls == 0 {
		return "in a second without it there was none either"
	}
	names := slices.SortedFunc(maps.Keys(c.seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.seen[b], c.seen[a]), cmp.Compare(a, b))
	})
	if more := len(names) - mostNames; more > 0 {
		names = append(names[:mostNames], fmt.Sprintf("%d others", more))
	}
	return text.Printable(fmt.Sprintf(
		"in a second without it there were %s calls by %s; %s were denied, the slowest took %s",
		text.Thousands(c.calls), text.List(names), text.Thousands(c.denied), text.Duration(c.slowest)))
}

// censusLength is how long a census counts. Its String says so.
const censusLength = time.Second

// TakeCensus counts all calls of the programs and functions in opts for a second. name says who made a call.
func TakeCensus(ctx context.Context, opts tracer.TraceOptions, name func(*tracer.Event) string) (c Census, err error) {
	stream, err := tracer.StartTrace(ctx, opts)
	if err != nil {
		return c, err
	}
	ctx, done := context.WithTimeout(ctx, censusLength)
	defer done()
	err = stream.Trace(ctx, func(e *tracer.Event) error {
		c.add(e, name(e))
		return nil
	}, func(tracer.Loss) error { return nil })
	if loss, lossErr := stream.Loss(); lossErr == nil {
		c.calls += loss.Total() // nothing else is known of them
	}
	return c, errors.Join(err, stream.Close())
}
