// Package census looks at what a machine does without the filters that no call passed, so that an error can tell a
// mistyped name from an idle machine.
package census

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

// length is how long a census looks.
const length = time.Second

// Census is what a machine did for a second without the filter that no call passed. It tells a mistyped name from an
// idle machine.
type Census struct {
	calls, denied uint64
	slowest       float64 // body, ns
	seen          map[string]uint64
}

// Take counts the calls that opts select for a second. The name of a call is what the user selects calls by: a command,
// a process or a workload.
func Take(ctx context.Context, opts tracer.TraceOptions, name func(*tracer.Event) string) (c Census, err error) {
	stream, err := tracer.StartTrace(ctx, opts)
	if err != nil {
		return c, err
	}
	ctx, done := context.WithTimeout(ctx, length)
	defer done()
	err = stream.Trace(ctx, func(inv *tracer.Event) error {
		c.add(inv, name(inv))
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

// maxSeen is how many names a census lists.
const maxSeen = 8

// String returns `in a second without it there were 1,968 calls by sh, cat and mv; 3 were denied, the slowest took 5.8
// ms`.
func (c Census) String() string {
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
