package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Profiler makes the profile runs, with probes on the enforcer's programs. Scores never come from them.
type Profiler struct {
	Options tracer.Options
	Slice   time.Duration // of sliced tests
	// Describe fills in the fields of a snapshot that are about lsmprof and the machine.
	Describe func(*profile.Snapshot)
}

// profile finds out which hooks run in each cell of the batch, and saves it.
func (m *batchRun) profile(ctx context.Context) error {
	p, dir := m.bench.Profiler, m.bench.Dir
	identity := make([]int, len(m.plan.Scenarios))
	for i := range identity {
		identity[i] = i
	}
	if err := m.deal(identity); err != nil {
		return err
	}
	for i, t := range m.batch {
		if _, ok := dir.Explained()[t.Name]; ok {
			m.progress.skip(m.plan.ProfileDuration(t))
			continue
		}
		m.progress.report("profiling " + t.Name)
		cells, costs := map[string]rundir.Explained{}, map[string]*profile.Costs{}
		for _, state := range p.states(m.plan) {
			if _, err := m.enter(ctx, state, p.members(m.plan, state), identity); err != nil {
				return err
			}
			if err := p.cells(ctx, m, i, state, cells, costs); err != nil {
				return fmt.Errorf("profile %s: %w", t.Name, err)
			}
			if err := p.lines(ctx, m, i, state, cells, costs); err != nil {
				return fmt.Errorf("sample the lines of %s: %w", t.Name, err)
			}
			if err := p.syscalls(ctx, m, i, state, cells); err != nil {
				return fmt.Errorf("time the syscalls of %s: %w", t.Name, err)
			}
		}
		for _, s := range m.plan.Scenarios {
			if costs[s.Name] == nil || m.plan.IsBaseline(s.Name) {
				continue
			}
			if err := dir.saveProfile(costs[s.Name], t, s, cells[s.Name]); err != nil {
				return err
			}
		}
		if err := dir.saveExplained(t.Name, cells); err != nil {
			return err
		}
		m.progress.add("profiled "+t.Name, m.plan.ProfileDuration(t))
	}
	return nil
}

// states returns the states in which an enforcer is in force. Functions of the kernel also run in the baseline.
func (p *Profiler) states(plan *rundir.Plan) []rundir.State {
	var all []rundir.State
	for _, s := range plan.Scenarios {
		inForce := s.State != rundir.Removed || len(p.Options.Functions) > 0
		if inForce && !s.SecondBaseline && !slices.Contains(all, s.State) {
			all = append(all, s.State)
		}
	}
	return all
}

// members returns the scenarios of a state that are profiled.
func (p *Profiler) members(plan *rundir.Plan, state rundir.State) []int {
	var own []int
	for i, s := range plan.Scenarios {
		if s.State == state && !s.SecondBaseline {
			own = append(own, i)
		}
	}
	return own
}

// cells profiles one test under all scenarios of a state, one after the other. It adds what it found to cells and
// costs, by scenario.
func (p *Profiler) cells(
	ctx context.Context, m *batchRun, test int, state rundir.State, cells map[string]rundir.Explained,
	costs map[string]*profile.Costs,
) error {
	opts := p.Options
	own := p.members(m.plan, state)
	for _, i := range own {
		opts.Filter.MntNS = append(opts.Filter.MntNS, m.workers.mntns[i]...)
	}
	t, err := tracer.Start(ctx, opts)
	if err != nil {
		return err
	}
	sums := make([]sliceSums, len(m.plan.Scenarios))
	err = p.whilePolling(ctx, t, func() error {
		for _, i := range own {
			for range rundir.ProfileSlices {
				s, err := m.profileSlice(ctx, test, i)
				if err != nil {
					return err
				}
				sums[i].add(s)
			}
		}
		return nil
	})
	snap, snapErr := t.Snapshot()
	if err := errors.Join(err, snapErr, t.Close()); err != nil {
		return err
	}
	p.Describe(&snap)
	for _, i := range own {
		s := m.plan.Scenarios[i]
		cell := only(snap, m.workers.mntns[i])
		r, err := m.result(-1, m.batch[test], s, sliceSums{slices: sums[i].slices})
		if err != nil {
			return err
		}
		found, err := cell.Costs()
		if err != nil {
			return err
		}
		cells[s.Name], costs[s.Name] = rundir.Explain(&found, r.Ops), &found
	}
	return nil
}

// profileSlice lets a copy run without a warm-up: the probes would see its operations too.
func (m *batchRun) profileSlice(ctx context.Context, test, scenario int) (Sample, error) {
	if err := ctx.Err(); err != nil {
		return Sample{}, err
	}
	s, err := m.workers.byTest[test][scenario].Slice(ctx, m.bench.Profiler.Slice, 0)
	return s, errors.Join(ctx.Err(), err)
}

// whilePolling does the work while the tracer polls its counters.
func (p *Profiler) whilePolling(ctx context.Context, t *tracer.Tracer, work func() error) error {
	ctx, stop := context.WithCancel(ctx)
	polled := make(chan error, 1)
	go func() { polled <- t.Run(ctx) }()
	err := work()
	stop()
	return errors.Join(err, <-polled)
}

// only returns the part of a snapshot that belongs to some mount namespaces.
func only(s profile.Snapshot, mntns []uint32) profile.Snapshot {
	out := s
	out.Rows = nil
	out.Programs = slices.Clone(s.Programs)
	for i := range out.Programs {
		p := &out.Programs[i]
		p.Timed, p.Preempted = 0, 0
	}
	for _, r := range s.Rows {
		if slices.Contains(mntns, r.Workload.MntNS) {
			out.Rows = append(out.Rows, r)
			out.Programs[r.Program].Timed += r.Readings.Count()
			out.Programs[r.Program].Preempted += r.Preempted
		}
	}
	// Calls that a probe missed have no namespace. Each gets its share.
	for i := range out.Programs {
		p, all := &out.Programs[i], s.Programs[i]
		p.Missed = 0
		if seen := all.Timed + all.Preempted; seen > 0 {
			p.Missed = all.Missed * (p.Timed + p.Preempted) / seen
		}
	}
	return out
}

// missing reports whether some test of the batch has no profile yet.
func (p *Profiler) missing(d *Dir, batch []rundir.Test) bool {
	return p != nil && slices.ContainsFunc(batch, func(t rundir.Test) bool {
		_, ok := d.Explained()[t.Name]
		return !ok
	})
}
