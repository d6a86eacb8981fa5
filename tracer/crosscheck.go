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

// CrossCheck counts and times the programs of s with the kernel's own statistics (bpf_stats) while do runs. No probe
// may be attached meanwhile, because the kernel would time it together with its program. CrossCheck needs root, and
// returns the error of do.
func CrossCheck(s profile.Snapshot, do func() error) (_ *profile.CrossCheck, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cross-check: %w", err)
		}
	}()
	stats, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return nil, fmt.Errorf("enable bpf_stats: %w. It needs Linux 5.8 and CAP_SYS_ADMIN", err)
	}
	defer func() { err = errors.Join(err, stats.Close()) }()
	c := &profile.CrossCheck{}
	if c.Bias, err = statsBias(); err != nil {
		return nil, err
	}
	programs, err := readStatistics()
	defer func() {
		for _, p := range programs {
			p.prog.Close()
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
	for _, p := range programs {
		if err := p.read(); err != nil {
			return nil, err
		}
	}
	now, err := Programs()
	if err != nil {
		return nil, err
	}
	for _, p := range s.Programs {
		c.Programs = append(c.Programs, kernelRuns(p, programs, now))
	}
	return c, nil
}

// statistics is what one program ran between two readings.
type statistics struct {
	program Program
	prog    *ebpf.Program
	count   uint64
	time    time.Duration
}

// readStatistics takes the first reading of every attached program that can be opened. The caller closes the
// programs, also after an error.
func readStatistics() (all []*statistics, err error) {
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
			continue // unloaded since it was listed, or it refuses to be opened
		}
		all = append(all, &statistics{program: p, prog: prog})
	}
	for _, s := range all {
		if err := s.read(); err != nil {
			return all, err
		}
	}
	return all, nil
}

// read replaces the numbers of the reading before by the difference to it.
func (s *statistics) read() error {
	stats, err := s.prog.Stats()
	if err != nil {
		return fmt.Errorf("read statistics of %s: %w", s.program.Name, err)
	}
	s.count, s.time = stats.RunCount-s.count, stats.Runtime-s.time
	return nil
}

// kernelRuns returns what p ran or, with ScopeHook, what all programs on its hook ran. Each call of a hook runs all its
// programs, up to the first that denies.
func kernelRuns(p profile.Program, all []*statistics, now []Program) (k profile.KernelRuns) {
	if p.Probe == profile.ProbeHook || p.Scope == profile.ScopeFunction {
		return k // no statistics of programs that refuse to be opened, nor of functions
	}
	for _, s := range all {
		if p.Scope == profile.ScopeProgram && uint32(s.program.ID) != p.ID || s.program.Hook != p.Hook {
			continue
		}
		if !slices.ContainsFunc(now, func(n Program) bool { return n.ID == s.program.ID && n.Attached() }) {
			continue
		}
		k.Present = true
		k.Runs = max(k.Runs, s.count)
		k.Time += s.time
	}
	return k
}

// statsBias returns what bpf_stats reads of a program that does nothing, in ns: the kernel times reaching the program,
// too. As in Calibrate it is a median of batches: one interrupt would shift a mean by more than a nanosecond.
func statsBias() (float64, error) {
	e, err := attachEmpty()
	if err != nil {
		return 0, err
	}
	defer e.Close()
	var means []float64
	var count uint64
	var spent time.Duration
	latency(e.call, func() {
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
	if err == nil && len(means) == 0 {
		err = fmt.Errorf("bpf_stats counted no run of %s: %w", emptyProgram, ErrUnsupported)
	}
	if err != nil {
		return 0, err
	}
	return median(means).Value, nil
}
