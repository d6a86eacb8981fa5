package bench

import (
	"context"
	"errors"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// linesHz is how often the insides of programs are sampled. It may be often: the costs come from another run, and the
// samples only divide them among the lines.
const linesHz = 4999

// lines samples the insides of the programs that the profile run found, in a separate run, and adds to cells and
// costs where they spend their time.
func (p *Profiler) lines(
	ctx context.Context, m *batchRun, test int, state rundir.State, cells map[string]rundir.Explained,
	costs map[string]*profile.Costs,
) error {
	var own []int
	opts := p.Options
	opts.Lines = linesHz
	for _, i := range p.members(m.plan, state) {
		if cells[m.plan.Scenarios[i].Name].Exposed() {
			own = append(own, i)
			opts.Filter.MntNS = append(opts.Filter.MntNS, m.workers.mntns[i]...)
		}
	}
	if len(own) == 0 {
		return nil
	}
	t, err := tracer.Start(ctx, opts)
	if err != nil {
		m.bench.Dir.Warn("which lines of the programs take their time is unknown: %v", err)
		return nil
	}
	err = p.whilePolling(ctx, t, func() error {
		_, err := p.timed(ctx, m, test, own)
		return err
	})
	snap, snapErr := t.Snapshot()
	if err := errors.Join(err, snapErr, t.Close()); err != nil {
		return err
	}
	for _, i := range own {
		name := m.plan.Scenarios[i].Name
		found, err := costs[name].Snapshot().WithInside(only(snap, m.workers.mntns[i])).Costs()
		if err != nil {
			return err
		}
		cell := cells[name]
		cell.Lines = rundir.LinesOf(&found)
		cells[name], costs[name] = cell, &found
	}
	m.bench.Dir.addSources(snap.Inside)
	if in := snap.Inside; in.Samples == 0 && len(in.Programs) > 0 && in.Programs[0].Without != "" {
		m.bench.Dir.Warn("which lines of the programs take their time is unknown: %s", in.Programs[0].Without)
	}
	return nil
}
