package profile

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Costs holds what the enforcers cost, worked out from a snapshot by [Snapshot.Costs]. All output is made from it. The
// zero Costs has no rows. Callers must not change Rows.
type Costs struct {
	Rows []Cost  // in a fixed order: workload, syscall, hook, program, rules
	Hook float64 // of all rows, ns: bodies and dispatch
	// Clamped is the number of rows whose readings are shorter than the bias. Their body counts as zero.
	Clamped int
	// Untimed is the number of calls in rows without a single time. Only their dispatch is charged.
	Untimed uint64

	snapshot Snapshot
}

// Cost is one row, scaled to the true number of calls of its program.
type Cost struct {
	Row
	Program Program
	Name    string // of the workload, unique in the snapshot

	Calls uint64
	Body  float64 // of all calls, ns: what the program itself took
	Hook  float64 // of all calls, ns: body and dispatch

	bias, dispatch float64 // of one call, ns
}

// Mean returns the mean hook cost of a call, in ns; 0 without calls.
func (c *Cost) Mean() float64 {
	if c.Calls == 0 {
		return 0
	}
	return c.Hook / float64(c.Calls)
}

// Quantile returns a quantile of the hook cost of a call, in ns. The reading behind it is less than a quarter off. If
// all readings are in one bucket of the histogram, or if there are none, every quantile is the mean.
func (c *Cost) Quantile(q float64) float64 {
	d := c.distribution()
	if d.total == 0 {
		return c.Mean()
	}
	return c.hook(d.quantile(q))
}

func (c *Cost) distribution() (d distribution) {
	d.add(&c.Readings, float64(c.Sum), 1)
	d.locate()
	return d
}

// hook returns the hook cost of a call with the given reading, in ns.
func (c *Cost) hook(reading float64) float64 { return max(0, reading-c.bias) + c.dispatch }

// Costs works out what every row cost. It fails if a row belongs to no program, or if a cross-check is not of the
// snapshot's programs.
func (s Snapshot) Costs() (Costs, error) {
	rows, err := s.mergedRows()
	if err != nil {
		return Costs{}, err
	}
	if s.CrossCheck != nil && len(s.CrossCheck.Programs) != len(s.Programs) {
		return Costs{}, fmt.Errorf("the cross-check is of %d programs, the snapshot of %d",
			len(s.CrossCheck.Programs), len(s.Programs))
	}
	costs := Costs{Rows: make([]Cost, 0, len(rows)), snapshot: s}
	names := s.names()
	shares := make([]apportion, len(s.Programs))
	nested := newNestedCosts(&s)
	for _, r := range nested.last(rows) {
		p := s.Programs[r.Program]
		c := Cost{Row: r, Program: p, Name: names[r.Workload]}
		if s.Calibration.Applies() {
			c.bias, c.dispatch = s.Calibration.of(p)
		}
		nested.subtract(&c)
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
		nested.add(&c)
		costs.Hook += c.Hook
		costs.Rows = append(costs.Rows, c)
	}
	slices.SortFunc(costs.Rows, compareCosts)
	return costs, nil
}

// Snapshot returns the snapshot that the costs were worked out from.
func (c *Costs) Snapshot() Snapshot { return c.snapshot }

// apportion scales the counts of a program's rows to its true number of calls. It rounds the running total instead of
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

// mergedRows adds up rows that look the same to a user and sorts them by index of program first, so that the same
// snapshot always scales the same way.
func (s Snapshot) mergedRows() ([]Row, error) {
	type key struct {
		program  int
		syscall  string
		workload Workload
		rules    int
		policy   string
	}
	byKey := map[key]*Row{}
	for i := range s.Rows {
		r := s.Rows[i]
		if r.Program < 0 || r.Program >= len(s.Programs) {
			return nil, fmt.Errorf("row %d is of program %d, the snapshot has %d", i, r.Program,
				len(s.Programs))
		}
		k := key{r.Program, r.Syscall, r.Workload, r.Rules, r.Policy}
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
		sum.Paths = append(slices.Clip(sum.Paths), r.Paths...)
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
	v, w := &a.Workload, &b.Workload
	return cmp.Or(
		cmp.Compare(v.MntNS, w.MntNS), cmp.Compare(v.Comm, w.Comm), cmp.Compare(v.Cgroup, w.Cgroup),
		cmp.Compare(v.Name(), w.Name()), cmp.Compare(v.ContainerID, w.ContainerID),
		cmp.Compare(v.Image, w.Image), cmp.Compare(v.Labels, w.Labels),
		cmp.Compare(a.Syscall, b.Syscall), cmp.Compare(a.Rules, b.Rules), cmp.Compare(a.Policy, b.Policy))
}

func compareCosts(a, b Cost) int {
	return cmp.Or(
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Syscall, b.Syscall),
		cmp.Compare(a.Program.Hook, b.Program.Hook), cmp.Compare(a.Program.Name, b.Program.Name),
		cmp.Compare(a.Rules, b.Rules), cmp.Compare(a.Row.Program, b.Row.Program),
		compareRows(&a.Row, &b.Row))
}

// Share returns the row's percentage of the hook cost of all rows; 0 if that is 0.
func (c *Costs) Share(row *Cost) float64 {
	if c.Hook == 0 {
		return 0
	}
	return 100 * row.Hook / c.Hook
}

// EachTimed calls fn for every bucket of the row's histogram that has calls, with their mean hook cost, in ns, and
// their number. Calls without a time are not among them.
func (c *Cost) EachTimed(fn func(hook float64, calls uint64)) {
	d := c.distribution()
	for i, n := range c.Readings {
		if n > 0 {
			fn(c.hook(d.mean(i)), n)
		}
	}
}
