package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Profiler makes the profile runs: with probes on the enforcer's programs, and never counted as a score.
type Profiler struct {
	Options tracer.Options
	Slice   time.Duration // of sliced tests
	// Describe fills in what a snapshot says of lsmprof and the machine.
	Describe func(*profile.Snapshot)
}

// profile finds out what runs in each cell of the batch, and writes it down.
func (m *batchRun) profile(ctx context.Context) error {
	p, dir := m.bench.Profiler, m.bench.Dir
	explained, err := dir.Explained()
	if err != nil {
		return err
	}
	identity := make([]int, len(m.plan.Scenarios))
	for i := range identity {
		identity[i] = i
	}
	if err := m.deal(identity); err != nil {
		return err
	}
	for i, t := range m.batch {
		if _, ok := explained[t.Name]; ok {
			m.progress.skip(m.plan.ProfileDuration(t))
			continue
		}
		m.progress.report("profiling " + t.Name)
		cells := map[string]rundir.Explained{}
		for _, state := range m.states() {
			if _, err := m.enter(ctx, state, p.members(m.plan, state), identity); err != nil {
				return err
			}
			if err := p.cells(ctx, m, i, state, cells); err != nil {
				return fmt.Errorf("profile %s: %w", t.Name, err)
			}
			if err := p.syscalls(ctx, m, i, state, cells); err != nil {
				return fmt.Errorf("time the syscalls of %s: %w", t.Name, err)
			}
		}
		explained[t.Name] = cells
		// With what there was to warn of: a bench that goes on does not come by here again.
		if err := errors.Join(dir.SaveInfo(), dir.writeJSON(rundir.ExplainedFile, explained)); err != nil {
			return err
		}
		m.progress.round("profiled "+t.Name, m.plan.ProfileDuration(t))
	}
	return nil
}

// states are those in which there is something to profile.
func (m *batchRun) states() []rundir.State {
	var all []rundir.State
	for _, s := range m.plan.Scenarios {
		if s.State != rundir.Removed && !s.SecondBaseline && !slices.Contains(all, s.State) {
			all = append(all, s.State)
		}
	}
	return all
}

// members are the scenarios of a state that are profiled.
func (p *Profiler) members(plan *rundir.Plan, state rundir.State) []int {
	var own []int
	for i, s := range plan.Scenarios {
		if s.State == state && !s.SecondBaseline {
			own = append(own, i)
		}
	}
	return own
}

// cells profiles one test under all scenarios of a state, one after the other.
func (p *Profiler) cells(ctx context.Context, m *batchRun, test int, state rundir.State, cells map[string]rundir.Explained) error {
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
		costs, err := cell.Costs()
		if err != nil {
			return err
		}
		cells[s.Name] = rundir.Explain(&costs, r.Ops)
		if err := m.bench.Dir.saveProfile(&costs, m.batch[test], s); err != nil {
			return err
		}
	}
	return nil
}

// profileSlice lets a copy run; all of its operations count, as the probes see those of a warm-up, too.
func (m *batchRun) profileSlice(ctx context.Context, test, scenario int) (Sample, error) {
	if err := ctx.Err(); err != nil {
		return Sample{}, err
	}
	s, err := m.workers.byTest[test][scenario].Slice(ctx, m.bench.Profiler.Slice, 0)
	return s, errors.Join(ctx.Err(), err)
}

// whilePolling does the work while the tracer follows it.
func (p *Profiler) whilePolling(ctx context.Context, t *tracer.Tracer, work func() error) error {
	ctx, stop := context.WithCancel(ctx)
	polled := make(chan error, 1)
	go func() { polled <- t.Run(ctx) }()
	err := work()
	stop()
	return errors.Join(err, <-polled)
}

// only is the part of a snapshot that ran in some namespaces.
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
	// What the kernel kept from a probe has no namespace: each gets its share.
	for i := range out.Programs {
		p, all := &out.Programs[i], s.Programs[i]
		p.Missed = 0
		if seen := all.Timed + all.Preempted; seen > 0 {
			p.Missed = all.Missed * (p.Timed + p.Preempted) / seen
		}
	}
	return out
}

// lacks says whether some test of the batch has no profile yet.
func (p *Profiler) lacks(d *Dir, batch []rundir.Test) bool {
	if p == nil {
		return false
	}
	explained, err := d.Explained()
	return err != nil || slices.ContainsFunc(batch, func(t rundir.Test) bool { _, ok := explained[t.Name]; return !ok })
}

// Explained reads what the profile runs found, by test and scenario.
func (d *Dir) Explained() (map[string]map[string]rundir.Explained, error) {
	all := map[string]map[string]rundir.Explained{}
	data, err := os.ReadFile(d.File(rundir.ExplainedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.File(rundir.ExplainedFile), err)
	}
	return all, nil
}

// saveProfile writes profiles/<scenario>/<test>.pb.gz, its samples labelled with where they are from.
func (d *Dir) saveProfile(costs *profile.Costs, t rundir.Test, in rundir.Scenario) error {
	p, err := costs.Profile()
	if err != nil {
		return err
	}
	labels := [][2]string{{"scenario", in.Name}, {"test", t.Name}}
	if cell := d.cell(t, in); cell != nil {
		labels = append(labels, [2]string{"score", fmt.Sprintf("%.6g %s", cell.Score, t.Unit)}, [2]string{"loss", fmt.Sprintf("%.3f %%", 100*cell.Loss)})
	}
	for _, l := range labels {
		p.Comments = append(p.Comments, l[0]+": "+l[1])
		for _, sample := range p.Sample {
			if sample.Label == nil {
				sample.Label = map[string][]string{}
			}
			sample.Label[l[0]] = []string{l[1]}
		}
	}
	return d.write(rundir.ProfilePath(in.Name, t.Name), func(w io.Writer) error { return p.Write(w) })
}

func (d *Dir) cell(t rundir.Test, in rundir.Scenario) *rundir.Cell {
	a := d.Analyze(nil)
	for i := range a.Cells {
		if c := &a.Cells[i]; c.Test == t.Name && c.Scenario == in.Name {
			return c
		}
	}
	return nil
}
