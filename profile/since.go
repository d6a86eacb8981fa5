package profile

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNotEarlier is in the error of Since if one snapshot does not continue the other.
var ErrNotEarlier = errors.New("not an earlier snapshot of the same recording")

// Since returns what was measured after earlier, a snapshot of the same recording. Programs keep their indexes; rows
// without new calls are dropped. A program that was loaded again meanwhile, because its enforcer restarted, has its new
// id. A workload that has been renamed, for example because a container runtime now knows it, has its new name. The
// error wraps ErrNotEarlier if earlier is not such a snapshot.
func (s Snapshot) Since(earlier Snapshot) (Snapshot, error) {
	if !s.Start.Equal(earlier.Start) || s.Duration < earlier.Duration || len(s.Programs) < len(earlier.Programs) {
		return Snapshot{}, fmt.Errorf("%w: from %v + %v to %v + %v", ErrNotEarlier,
			earlier.Start.Format(time.RFC3339), earlier.Duration, s.Start.Format(time.RFC3339), s.Duration)
	}
	delta := s
	delta.Start, delta.Duration = s.Start.Add(earlier.Duration), s.Duration-earlier.Duration
	delta.OwnCalls -= min(earlier.OwnCalls, delta.OwnCalls)
	delta.Unprobed = s.Unprobed.minus(earlier.Unprobed)
	delta.Inside = s.Inside.since(earlier.Inside)
	delta.Programs = slices.Clone(s.Programs)
	delta.Rows = nil
	for i, was := range earlier.Programs {
		p := &delta.Programs[i]
		if !p.continues(was) || p.Timed < was.Timed || p.Preempted < was.Preempted || p.Missed < was.Missed {
			return Snapshot{}, fmt.Errorf("%w: program %d, %s", ErrNotEarlier, i, p.Label())
		}
		p.Timed, p.Preempted, p.Missed = p.Timed-was.Timed, p.Preempted-was.Preempted, p.Missed-was.Missed
	}
	before := make(map[recordedKey]*Row, len(earlier.Rows))
	for i := range earlier.Rows {
		before[earlier.Rows[i].recorded()] = &earlier.Rows[i]
	}
	for i := range s.Rows {
		r, was := s.Rows[i], before[s.Rows[i].recorded()]
		if was != nil {
			delete(before, r.recorded())
			if !r.subtract(was) {
				return Snapshot{}, fmt.Errorf("%w: the row of %s in %s has fewer calls", ErrNotEarlier,
					r.Syscall, r.Workload.Name())
			}
		}
		if r.Denials > 0 || r.Preempted > 0 || r.Readings.Count() > 0 {
			delta.Rows = append(delta.Rows, r)
		}
	}
	for _, gone := range before {
		return Snapshot{}, fmt.Errorf("%w: the row of %s in %s is missing", ErrNotEarlier, gone.Syscall,
			gone.Workload.Name())
	}
	return delta, nil
}

// continues reports whether p may be was, later in the same recording. The id of a program changes when its enforcer
// restarts; what ProbeHook calls the rest of a hook changes with the other programs on it.
func (p *Program) continues(was Program) bool {
	return p.Hook == was.Hook && p.Scope == was.Scope && (p.Scope == ScopeHook || p.Name == was.Name)
}

// recordedKey identifies a row of one recording. The names of a mount namespace may change, its number does not.
type recordedKey struct {
	program int
	syscall string
	mntns   uint32
	rules   int
	policy  string
}

func (r *Row) recorded() recordedKey {
	return recordedKey{r.Program, r.Syscall, r.Workload.MntNS, r.Rules, r.Policy}
}

// subtract subtracts an earlier state of the row, and reports whether it can be one: no number may be larger.
func (r *Row) subtract(was *Row) bool {
	if r.Denials < was.Denials || r.Preempted < was.Preempted || r.Sum < was.Sum {
		return false
	}
	r.Denials, r.Preempted, r.Sum = r.Denials-was.Denials, r.Preempted-was.Preempted, r.Sum-was.Sum
	for i, n := range was.Readings {
		if r.Readings[i] < n {
			return false
		}
		r.Readings[i] -= n
	}
	r.subtractPaths(was.Paths)
	return true
}

// subtractPaths leaves the samples that were taken after an earlier state. If that state had more samples, sampling
// started over meanwhile, and all samples are later.
func (r *Row) subtractPaths(was []Path) {
	before := make(map[string]uint64, len(was))
	for _, p := range was {
		before[p.Key()] += p.Count
	}
	var now []Path
	for _, p := range r.Paths {
		n := before[p.Key()]
		if delete(before, p.Key()); p.Count < n {
			return
		}
		if p.Count -= n; p.Count > 0 {
			now = append(now, p)
		}
	}
	if len(before) == 0 {
		r.Paths = now
	}
}

// since returns what was sampled after an earlier state.
func (in *Inside) since(earlier *Inside) *Inside {
	if in == nil || earlier == nil {
		return in
	}
	d := *in
	d.Samples -= min(earlier.Samples, d.Samples)
	d.Own -= min(earlier.Own, d.Own)
	d.Other -= min(earlier.Other, d.Other)
	d.Lost -= min(earlier.Lost, d.Lost)
	d.Unknown -= min(earlier.Unknown, d.Unknown)
	return &d
}
