package profile

import "slices"

// nestedCosts subtracts from the readings of a whole hook what the programs on it cost that have probes of their
// own. Their probes run within the reading of the hook.
type nestedCosts struct {
	snapshot *Snapshot
	within   map[nestedKey]*nestedCost // nil: no hook is measured as a whole
}

type nestedKey struct {
	hook, syscall string
	workload      Workload
}

type nestedCost struct {
	ns      float64 // hook cost of the programs and their probes
	denials uint64
	calls   uint64 // of the hook, that have a time
}

func newNestedCosts(s *Snapshot) *nestedCosts {
	n := &nestedCosts{snapshot: s}
	if slices.ContainsFunc(s.Programs, func(p Program) bool { return p.Probe == ProbeHook }) {
		n.within = map[nestedKey]*nestedCost{}
	}
	return n
}

// last returns the rows with those of whole hooks at the end.
func (n *nestedCosts) last(rows []Row) []Row {
	if n.within == nil {
		return rows
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return n.rank(a.Program) - n.rank(b.Program) })
	for i := range rows {
		if r := &rows[i]; n.rank(r.Program) > 0 {
			n.of(r).calls += r.Readings.Count()
		}
	}
	return rows
}

func (n *nestedCosts) rank(program int) int {
	if n.snapshot.Programs[program].Probe == ProbeHook {
		return 1
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

// add adds what a program cost.
func (n *nestedCosts) add(c *Cost) {
	if n.within == nil || c.Program.Probe == ProbeHook {
		return
	}
	in := n.of(&c.Row)
	in.ns += c.Hook
	if n.snapshot.Calibration.Applies() {
		in.ns += n.snapshot.Calibration.ProbeCost.Value * float64(c.Calls)
	}
	in.denials += c.Denials
}

// subtract takes from the row of a whole hook what its other programs cost: an equal part from every call. A denial
// ends the call of the hook, so each denial comes from one program.
func (n *nestedCosts) subtract(c *Cost) {
	if c.Program.Probe != ProbeHook {
		return
	}
	in := n.of(&c.Row)
	if in.calls > 0 {
		c.bias += in.ns / float64(in.calls)
	}
	theirs := min(in.denials, c.Denials)
	in.denials -= theirs
	c.Denials -= theirs
}
