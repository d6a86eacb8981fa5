package bench

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

// fewLost is the largest share of untimed calls that causes no warning.
const fewLost = 0.01

// syscalls measures how long the syscalls of the cells take, hooks included. It is a separate run, under the scenarios
// of a state. If the kernel does not allow it, the cells have no such times.
func (p *Profiler) syscalls(
	ctx context.Context, m *batchRun, test int, state rundir.State, cells map[string]rundir.Explained,
) error {
	own := p.members(m.plan, state)
	var all []uint32
	for _, i := range own {
		all = append(all, m.workers.mntns[i]...)
	}
	defer pauseGC()()
	clock, err := tracer.StartSyscallClock(all)
	if err != nil {
		m.bench.Dir.Warn("how long syscalls take is unknown, and so is the share of the hooks in them: %v", err)
		return nil
	}
	ops, err := p.timed(ctx, m, test, own)
	times, lost, readErr := clock.Read()
	if err := errors.Join(err, readErr, clock.Close()); err != nil {
		return err
	}
	var calls uint64
	for n, i := range own {
		name := m.plan.Scenarios[i].Name
		cell := cells[name]
		for _, s := range times {
			if slices.Contains(m.workers.mntns[i], s.MntNS) {
				calls += s.Calls
				cell.Syscalls = addSyscall(cell.Syscalls, s, ops[n])
			}
		}
		slices.SortFunc(cell.Syscalls, func(a, b rundir.SyscallTime) int {
			return strings.Compare(a.Syscall, b.Syscall)
		})
		cells[name] = cell
	}
	if float64(lost) > fewLost*float64(calls) {
		m.bench.Dir.Warn("%s: %s of %s syscalls were not timed; the shares of hooks in syscalls are rough",
			m.batch[test].Name,
			text.Thousands(lost), text.Thousands(lost+calls))
	}
	return nil
}

// timed lets the copies run, one after the other, and returns the operations of each.
func (p *Profiler) timed(ctx context.Context, m *batchRun, test int, own []int) ([]float64, error) {
	ops := make([]float64, len(own))
	// Meanwhile the kernel frees the detached hook probes.
	if err := m.rest(ctx, m.bench.Settle); err != nil {
		return nil, err
	}
	for n, i := range own {
		for range rundir.SyscallSlices(m.batch[test]) {
			s, err := m.profileSlice(ctx, test, i)
			if err != nil {
				return nil, err
			}
			ops[n] += s.Ops
		}
	}
	return ops, nil
}

// addSyscall adds the time of a syscall in one of a cell's namespaces.
func addSyscall(all []rundir.SyscallTime, s tracer.SyscallTime, ops float64) []rundir.SyscallTime {
	i := slices.IndexFunc(all, func(o rundir.SyscallTime) bool { return o.Syscall == s.Syscall })
	if i < 0 {
		all, i = append(all, rundir.SyscallTime{Syscall: s.Syscall}), len(all)
	}
	all[i].Calls += float64(s.Calls) / ops
	all[i].Ns += float64(s.Ns) / ops
	return all
}
