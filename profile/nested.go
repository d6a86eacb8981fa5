package profile

import "slices"

// nestedCosts subtracts from the readings of a whole hook what is measured on it as well: from those of ProbeHook the
// programs with their own probes, and from those of ProbeTotal all programs and functions. The probes of these run
// within the reading of the hook.
type nestedCosts struct {
	snapshot *Snapshot
	within   map[nestedKey]*nestedCost // nil: no hook is measured as a whole
}

type nestedKey struct {
	hook, syscall string
	workload      Workload
}

type nestedCost struct {
	programs, all inner
	calls         [2]uint64 // of the hook, that have a time: of ProbeHook, of ProbeTotal
}

// inner is what ran within the readings of a hook.
type inner struct {
	ns      float64 // hook cost and that of the probes
	denials uint64
}

func newNestedCosts(s *Snapshot) *nestedCosts {
	n := &nestedCosts{snapshot: s}
	if slices.ContainsFunc(s.Programs, func(p Program) bool {
		return p.Probe == ProbeHook ||
			p.Probe == ProbeTotal
	}) {
		n.within = map[nestedKey]*nestedCost{}
	}
	return n
}

// last returns the rows with those of whole hooks at the end, and totals behind them.
func (n *nestedCosts) last(rows []Row) []Row {
	if n.within == nil {
		return rows
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return n.rank(a.Program) - n.rank(b.Program) })
	for i := range rows {
		if r := &rows[i]; n.rank(r.Program) > 0 {
			n.of(r).calls[n.rank(r.Program)-1] += r.Readings.Count()
		}
	}
	return rows
}

func (n *nestedCosts) rank(program int) int {
	switch n.snapshot.Programs[program].Probe {
	case ProbeHook:
		return 1
	case ProbeTotal:
		return 2
	}
	return 0
}

func (n *nestedCosts) of(r *Row) *nestedCost {
	key := nestedKey{n.snapshot.Programs[r.Program].Hook, r.Syscall, r.Workload}
	if n.within[key] == nil {
		n.within[key] = &nestedCost{}
	}
	return n.within[key]
}

// add adds what a program or a function cost.
func (n *nestedCosts) add(c *Cost) {
	if n.within == nil || c.Program.Probe == ProbeTotal {
		return
	}
	ns := c.Hook
	if cal := &n.snapshot.Calibration; cal.Applies() {
		ns += cal.probeCost(c.Program) * float64(c.Calls)
	}
	in := n.of(&c.Row)
	in.all.add(ns, c.Denials)
	if c.Program.Probe != ProbeHook && !c.Program.onFunction() {
		in.programs.add(ns, c.Denials)
	}
}

func (i *inner) add(ns float64, denials uint64) {
	i.ns += ns
	i.denials += denials
}

// subtract takes from the row of a whole hook what is measured on it as well: an equal part from every call. A denial
// ends the call of the hook, so each denial comes from one program.
func (n *nestedCosts) subtract(c *Cost) {
	rank := n.rank(c.Row.Program)
	if rank == 0 {
		return
	}
	within := n.of(&c.Row)
	in := &within.programs
	if c.Program.Probe == ProbeTotal {
		in = &within.all
	}
	if calls := within.calls[rank-1]; calls > 0 {
		c.bias += in.ns / float64(calls)
	}
	theirs := min(in.denials, c.Denials)
	in.denials -= theirs
	c.Denials -= theirs
}
