package tracer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/profile"
)

// CrossCheck has the kernel itself count and time the programs of s (bpf_stats) while do runs. No probe may be attached: the
// kernel would time it together with the program it sits on.
func CrossCheck(s profile.Snapshot, do func() error) (_ *profile.CrossCheck, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cross-check: %w", err)
		}
	}()
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return nil, fmt.Errorf("enable bpf_stats: %w; Linux 5.8 and CAP_SYS_ADMIN have it", err)
	}
	defer func() { err = errors.Join(err, stats.Close()) }()
	c := &profile.CrossCheck{}
	if c.Bias, err = statsBias(); err != nil {
		return nil, err
	}
	counters, err := attachedRuns()
	defer func() {
		for _, r := range counters {
			r.prog.Close()
		}
	}()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := do(); err != nil {
		return nil, err
	}
	c.Duration = time.Since(start)
	for _, r := range counters {
		if err := r.end(); err != nil {
			return nil, err
		}
	}
	progs, err := Programs()
	if err != nil {
		return nil, err
	}
	for _, p := range s.Programs {
		c.Programs = append(c.Programs, runsOf(p, counters, progs))
	}
	return c, nil
}

// runs is what one program runs between two readings of its statistics.
type runs struct {
	of    Program
	prog  *ebpf.Program
	count uint64
	time  time.Duration
}

// attachedRuns takes the first reading of every attached program. The caller closes the programs, also after an error.
func attachedRuns() (all []*runs, err error) {
	progs, err := Programs()
	if err != nil {
		return nil, err
	}
	for _, p := range progs {
		if !p.Attached() {
			continue
		}
		prog, err := ebpf.NewProgramFromID(p.ID)
		if err != nil {
			continue // gone since it was listed
		}
		all = append(all, &runs{of: p, prog: prog})
	}
	for _, r := range all {
		if err := r.end(); err != nil {
			return all, err
		}
	}
	return all, nil
}

// end makes of what the program has run until now what it ran since the reading before.
func (r *runs) end() error {
	stats, err := r.prog.Stats()
	if err != nil {
		return fmt.Errorf("read statistics of %s: %w", r.of.Name, err)
	}
	r.count, r.time = stats.RunCount-r.count, stats.Runtime-r.time
	return nil
}

// runsOf is what p, or every program of its hook, ran. Where several stand for one, each ran in every call but those that one
// before it denied.
func runsOf(p profile.Program, counters []*runs, now []Program) (k profile.KernelRuns) {
	for _, r := range counters {
		if p.Scope == profile.ScopeProgram && uint32(r.of.ID) != p.ID || r.of.Hook != p.Hook {
			continue
		}
		if !slices.ContainsFunc(now, func(n Program) bool { return n.ID == r.of.ID && n.Attached() }) {
			continue
		}
		k.Present = true
		k.Runs = max(k.Runs, r.count)
		k.Time += r.time
	}
	return k
}

// statsBias is what bpf_stats says of a program that does nothing, ns: it times the way to the program as well. The median of
// batches, as in Calibrate: one interrupt would move a mean by more than a nanosecond.
func statsBias() (float64, error) {
	e, err := attachEmpty()
	if err != nil {
		return 0, err
	}
	defer e.Close()
	var means []float64
	var count uint64
	var spent time.Duration
	latency(e.reach, func() {
		s, failed := e.prog.Stats()
		if failed != nil {
			err = fmt.Errorf("read statistics of %s: %w", emptyProgram, failed)
			return
		}
		if n := s.RunCount - count; n > 0 {
			means = append(means, float64(s.Runtime-spent)/float64(n))
		}
		count, spent = s.RunCount, s.Runtime
	})
	if err != nil || len(means) == 0 {
		return 0, err
	}
	return median(means).Value, nil
}
