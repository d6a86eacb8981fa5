package bench

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/tracer"
)

// fewLost is the share of calls without a time that goes without saying.
const fewLost = 0.01

// syscalls finds out how long the syscalls of the cells take: what the time in hooks is a share of. It is a run of its own, of the
// scenarios that are in force. The cells do without where the kernel does not let it be measured.
func (p *Profiler) syscalls(ctx context.Context, m *batchRun, test int, state rundir.State, cells map[string]rundir.Explained) error {
	own := p.members(m.plan, state)
	var all []uint32
	for _, i := range own {
		all = append(all, m.workers.mntns[i]...)
	}
	defer quiet()()
	clock, err := tracer.StartSyscallClock(all)
	if err != nil {
		m.bench.Dir.Warn("what share of a syscall's own time the hooks are is not known: %v", err)
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
				cell.Syscalls = add(cell.Syscalls, s, ops[n])
			}
		}
		slices.SortFunc(cell.Syscalls, func(a, b rundir.SyscallTime) int { return strings.Compare(a.Syscall, b.Syscall) })
		cells[name] = cell
	}
	if float64(lost) > fewLost*float64(calls) {
		m.bench.Dir.Warn("the time of %d of %d syscalls of %s is not known: take shares of the syscalls' time for rough", lost, lost+calls, m.batch[test].Name)
	}
	return nil
}

// timed lets the copies run, one after the other, and returns what each did.
func (p *Profiler) timed(ctx context.Context, m *batchRun, test int, own []int) ([]float64, error) {
	ops := make([]float64, len(own))
	// What was loaded leaves the kernel something to free.
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

// add adds what a syscall took in one of a cell's namespaces.
func add(all []rundir.SyscallTime, s tracer.SyscallTime, ops float64) []rundir.SyscallTime {
	i := slices.IndexFunc(all, func(o rundir.SyscallTime) bool { return o.Syscall == s.Syscall })
	if i < 0 {
		all, i = append(all, rundir.SyscallTime{Syscall: s.Syscall}), len(all)
	}
	all[i].Calls += float64(s.Calls) / ops
	all[i].Ns += float64(s.Ns) / ops
	return all
}
