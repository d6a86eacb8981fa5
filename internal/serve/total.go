package serve

import (
	"fmt"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// maxSamples bounds the cumulative profile. A larger one starts over, which looks to scrapers like a restart of the
// server.
const maxSamples = 50_000

// addProfile adds a difference to the cumulative profile. The caller holds the lock, as for merge.
func (l *ledger) addProfile(delta *profile.Costs) error {
	p, err := delta.Profile()
	if err != nil {
		return err
	}
	p.Comments = nil // they are of the difference; writeProfile adds those of the total
	l.pending = append(l.pending, p)
	l.pendingSamples += len(p.Sample)
	// Merging goes through the whole total, so wait until there is half as much to add.
	if l.pendingSamples > 1000 && l.pendingSamples > len(l.total.Sample)/2 || len(l.pending) > 1000 {
		return l.merge()
	}
	return nil
}

// merge adds what is pending to the total.
func (l *ledger) merge() error {
	if len(l.pending) == 0 {
		return nil
	}
	parts := l.pending
	if len(l.total.SampleType) > 0 {
		parts = append([]*pprof.Profile{l.total}, parts...)
	}
	newest := l.pending[len(l.pending)-1]
	l.pending, l.pendingSamples = nil, 0
	sum, err := pprof.Merge(parts)
	if err != nil {
		return fmt.Errorf("add to the cumulative profile: %w", err)
	}
	if len(sum.Sample) > maxSamples {
		l.restarts++
		sum = newest
	}
	l.total = sum
	return nil
}

// profile returns the cumulative profile.
func (l *ledger) profile(origin profile.Snapshot) (*pprof.Profile, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := l.head
	if head.Start.IsZero() {
		head = origin
	}
	for p, row := range l.programs.rows {
		t := row.value
		head.Programs = append(head.Programs, profile.Program{
			Enforcer: p.enforcer, Hook: p.hook, Name: p.program, Timed: t.timed, Preempted: t.preempted,
			Missed: t.missed,
		})
	}
	costs, err := head.Costs()
	if err != nil {
		return nil, err
	}
	empty, err := costs.Profile()
	if err != nil {
		return nil, err
	}
	if err := l.merge(); err != nil {
		return nil, err
	}
	p := empty
	if len(l.total.SampleType) > 0 {
		p = l.total.Copy()
		p.Comments = empty.Comments
	}
	p.TimeNanos, p.DurationNanos = l.first.UnixNano(), int64(l.measured)
	if l.first.IsZero() {
		p.TimeNanos = origin.Start.UnixNano()
	}
	return p, nil
}
