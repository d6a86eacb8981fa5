package profile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Costs is what a snapshot says the enforcers cost, row by row.
type Costs struct {
	Rows []Cost // in a fixed order: workload, syscall, hook, program, rules
	Hook float64
	// Clamped is the number of rows whose body came out below zero, because their readings are shorter than the bias: their
	// body counts as zero.
	Clamped int
	// Untimed is the number of calls whose row has no time at all: they are charged only their dispatch.
	Untimed uint64
}

// Cost is one row, scaled to the true number of invocations of its program.
type Cost struct {
	Row
	Of   Program
	Name string // of the workload, unique in the snapshot

	Calls uint64
	Body  float64 // all calls, ns: what the program itself took
	Hook  float64 // all calls, ns: body and dispatch

	bias, dispatch float64
}

// Mean is the mean hook cost of a call, ns.
func (c *Cost) Mean() float64 {
	if c.Calls == 0 {
		return 0
	}
	return c.Hook / float64(c.Calls)
}

// Quantile is a quantile of the hook cost of a call, ns. The reading behind it is within Tolerance.
func (c *Cost) Quantile(q float64) float64 {
	if c.Readings.Count() == 0 {
		return 0
	}
	return max(0, c.Readings.Quantile(q)-c.bias+c.dispatch)
}

// Costs works out what every row cost. It fails on a row that belongs to no program.
func (s Snapshot) Costs() (Costs, error) {
	rows, err := s.mergedRows()
	if err != nil {
		return Costs{}, err
	}
	costs := Costs{Rows: make([]Cost, 0, len(rows))}
	names := s.names()
	shares := make([]apportion, len(s.Programs))
	for _, r := range rows {
		p := s.Programs[r.Program]
		c := Cost{Row: r, Of: p, Name: names[r.Workload]}
		if s.Calibration.Applies() {
			c.bias, c.dispatch = s.Calibration.of(p)
		}
		timed := r.Readings.Count()
		c.Calls = shares[r.Program].next(timed+r.Preempted, p)
		if timed > 0 {
			body := float64(r.Sum) - c.bias*float64(timed)
			if body < 0 {
				body, costs.Clamped = 0, costs.Clamped+1
			}
			c.Body = body / float64(timed) * float64(c.Calls)
		} else {
			costs.Untimed += c.Calls
		}
		c.Hook = max(0, c.Body+c.dispatch*float64(c.Calls))
		costs.Hook += c.Hook
		costs.Rows = append(costs.Rows, c)
	}
	slices.SortFunc(costs.Rows, compareCosts)
	return costs, nil
}

// apportion scales the counts of a program's rows to its true number of invocations. It rounds the running total instead of
// every row, so that the rows add up.
type apportion struct{ seen, given uint64 }

func (a *apportion) next(n uint64, p Program) uint64 {
	a.seen += n
	scaled := a.seen
	if p.Missed > 0 && p.Timed+p.Preempted > 0 {
		scaled = uint64(math.Round(float64(a.seen) * float64(p.Calls()) / float64(p.Timed+p.Preempted)))
	}
	calls := scaled - a.given
	a.given = scaled
	return calls
}

// mergedRows adds up the rows that differ in nothing a user sees and sorts them by index of program first, so that the same
// snapshot always scales the same way.
func (s Snapshot) mergedRows() ([]Row, error) {
	type key struct {
		program  int
		syscall  string
		workload Workload
		rules    int
	}
	byKey := map[key]*Row{}
	for i := range s.Rows {
		r := s.Rows[i]
		if r.Program < 0 || r.Program >= len(s.Programs) {
			return nil, fmt.Errorf("row %d: program %d of %d", i, r.Program, len(s.Programs))
		}
		k := key{r.Program, r.Syscall, r.Workload, r.Rules}
		sum := byKey[k]
		if sum == nil {
			byKey[k] = &r
			continue
		}
		sum.Denials += r.Denials
		sum.Preempted += r.Preempted
		sum.Sum += r.Sum
		sum.Readings.Merge(&r.Readings)
		sum.Stacks = append(slices.Clip(sum.Stacks), r.Stacks...)
	}
	rows := make([]Row, 0, len(byKey))
	for _, r := range byKey {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Program, b.Program), compareRows(&a, &b))
	})
	return rows, nil
}

func compareRows(a, b *Row) int {
	return cmp.Or(
		cmp.Compare(a.Workload.MntNS, b.Workload.MntNS), cmp.Compare(a.Workload.Comm, b.Workload.Comm),
		cmp.Compare(a.Workload.Cgroup, b.Workload.Cgroup), cmp.Compare(a.Workload.Name(), b.Workload.Name()),
		cmp.Compare(a.Workload.ContainerID, b.Workload.ContainerID), cmp.Compare(a.Workload.Image, b.Workload.Image), cmp.Compare(a.Workload.Labels, b.Workload.Labels),
		cmp.Compare(a.Syscall, b.Syscall), cmp.Compare(a.Rules, b.Rules))
}

func compareCosts(a, b Cost) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Syscall, b.Syscall), cmp.Compare(a.Of.Hook, b.Of.Hook),
		cmp.Compare(a.Of.Name, b.Of.Name), cmp.Compare(a.Rules, b.Rules), cmp.Compare(a.Program, b.Program),
		compareRows(&a.Row, &b.Row))
}

// Share is what percentage of the whole hook cost a row is.
func (c *Costs) Share(row *Cost) float64 {
	if c.Hook == 0 {
		return 0
	}
	return 100 * row.Hook / c.Hook
}

// EachTimed calls fn with the hook cost of a call, ns, and how many calls cost that, for all calls that have a time. The reading
// behind a cost is within Tolerance.
func (c *Cost) EachTimed(fn func(hook float64, calls uint64)) {
	for i, n := range c.Readings {
		if n > 0 {
			fn(max(0, interpolate(i, 0.5)-c.bias+c.dispatch), n)
		}
	}
}
