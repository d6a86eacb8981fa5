package serve

import (
	"fmt"
	"io"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// maxSamples bounds the cumulative profile. Beyond it begins anew, as after a restart of the server: scrapers know that.
const maxSamples = 50_000

// addProfile merges a difference into the cumulative profile. The caller holds the lock.
func (l *ledger) addProfile(delta profile.Snapshot) error {
	p, err := delta.Profile()
	if err != nil {
		return err
	}
	p.Comments = nil // of the difference; writeProfile has those of the total
	if l.profile == nil {
		l.profile = p
		return nil
	}
	sum, err := pprof.Merge([]*pprof.Profile{l.profile, p})
	if err != nil {
		return fmt.Errorf("add to the cumulative profile: %w", err)
	}
	if len(sum.Sample) > maxSamples {
		l.restarts++
		sum = p
	}
	l.profile = sum
	return nil
}

// writeProfile writes the cumulative profile.
func (l *ledger) writeProfile(w io.Writer, origin profile.Snapshot) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := l.head
	if head.Start.IsZero() {
		head = origin
	}
	for p, row := range l.programs.rows {
		t := row.value
		head.Programs = append(head.Programs, profile.Program{
			Enforcer: p.enforcer, Hook: p.hook, Name: p.program, Timed: t.timed, Preempted: t.preempted, Missed: t.missed,
		})
	}
	empty, err := head.Profile()
	if err != nil {
		return err
	}
	p := empty
	if l.profile != nil {
		p = l.profile.Copy()
		p.Comments = empty.Comments
	}
	p.TimeNanos, p.DurationNanos = l.first.UnixNano(), int64(l.measured)
	if l.first.IsZero() {
		p.TimeNanos = origin.Start.UnixNano()
	}
	return p.Write(w)
}
