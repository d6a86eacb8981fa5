package serve

import (
	"context"
	"errors"

	"github.com/lsmprof/lsmprof/profile"
)

// ErrNothing is what Config.Start returns if there is no program to probe. That is no failure: an enforcer may start
// later.
var ErrNothing = errors.New("nothing to measure")

// Tracer is a set of attached probes. The server calls it from one goroutine at a time.
type Tracer interface {
	// Poll charges what the probes have counted.
	Poll(context.Context) error
	// Snapshot returns everything that was charged.
	Snapshot() (profile.Snapshot, error)
	// CounterUsage returns how many of the probes' counters are in use.
	CounterUsage() []profile.CounterUsage
	// Close detaches the probes.
	Close() error
}
