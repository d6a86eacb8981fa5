package serve

import (
	"context"
	"errors"

	"github.com/lsmprof/lsmprof/profile"
)

// ErrNothing is what Start returns where there is no program to probe: an enforcer that does not run, no failure.
var ErrNothing = errors.New("nothing to measure")

// Tracer is a set of attached probes. The server calls it from one goroutine at a time.
type Tracer interface {
	Poll(context.Context) error
	Snapshot() (profile.Snapshot, error)
	// Room says how full the probes' counters are.
	Room() []Room
	Close() error
}

// Room is how many of a program's counters are taken.
type Room struct {
	Program     int // index into the programs of a Snapshot
	Used, Cells int
}

// Rules are the rules of one type that an enforcer has in force for a workload.
type Rules struct {
	Enforcer string
	Workload profile.Workload
	Type     string
	Count    int
}
