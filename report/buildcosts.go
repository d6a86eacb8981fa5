package report

import (
	"cmp"
	"slices"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

func newCell(c *rundir.Cell) Cell {
	return Cell{
		Test: c.Test, Scenario: c.Scenario, Rounds: c.Rounds, Score: c.Score, Unit: c.Unit, CV: c.CV,
		Loss:     c.Loss,
		MeanLoss: c.MeanLoss, CI: Interval(c.CI), P: c.P, Adjusted: c.Adjusted, Significant: c.Significant,
		Detectable: c.Detectable, RoundsFor: c.RoundsFor, Busy: c.Busy, Exposed: c.Exposed,
		Explained: c.Explained,
		LeftOver:  c.LeftOver, Percent: 1 - c.Loss, Hooks: hookLosses(c),
	}
}

// hookLosses divides an explained loss among the hooks in proportion to their costs, the largest first.
func hookLosses(c *rundir.Cell) []HookLoss {
	out := []HookLoss{}
	if c.Profile == nil || c.Explained == nil || c.Profile.HookNs == 0 {
		return out
	}
	byHook := map[string]float64{}
	for _, row := range c.Profile.Rows {
		byHook[row.Hook] += row.HookNs
	}
	for hook, ns := range byHook {
		out = append(out, HookLoss{hook, *c.Explained * ns / c.Profile.HookNs})
	}
	slices.SortFunc(out, func(a, b HookLoss) int {
		return cmp.Or(cmp.Compare(b.Loss, a.Loss), cmp.Compare(a.Hook, b.Hook))
	})
	return out
}

func (r *Report) addHooks(explained map[string]map[string]rundir.Explained, rate float64, test, scenario string) {
	e := explained[test][scenario]
	for _, row := range e.Rows {
		h := HookRow{
			Test: test, Scenario: scenario, Syscall: row.Syscall, Hook: row.Hook, Program: row.Program,
			Rules: row.Rules,
			Calls: row.Calls, HookNs: row.HookNs, Mean: row.Mean, Typical: row.Typical, Err: row.Err,
			P50: row.P50, P99: row.P99,
			Denials: row.Denials,
		}
		if rate > 0 {
			h.operation, h.allHooks = 1e9/rate+e.HookNs, e.HookNs
			share := row.HookNs / h.operation
			h.Share = &share
		}
		if s := e.Syscall(row.Syscall); s != nil {
			each, share := s.Ns/s.Calls, row.HookNs/s.Ns
			h.SyscallNs, h.SyscallShare, h.syscall = &each, &share, s.Ns
		}
		r.Hooks = append(r.Hooks, h)
	}
}

// extrapolateTo lists numbers of rules that are larger than most runs measure.
var extrapolateTo = [...]int{16, 32, 64}

func (r *Report) perRule(c rundir.RuleCost) PerRule {
	p := PerRule{
		Test: c.Test, Syscall: c.Syscall, Hook: c.Hook, Program: c.Program, At: []Extrapolated{},
		Line: Line{c.Line.Intercept, c.Line.Slope, Interval(c.Line.SlopeCI), c.Line.R2, c.Line.Bent},
	}
	for _, q := range c.Points {
		p.Points = append(p.Points, Point{X: q.X, Y: q.Y, Err: q.Err})
	}
	largest := c.Points[len(c.Points)-1].X
	for _, n := range extrapolateTo {
		beyond, ns := float64(n)-largest, c.Line.Intercept+c.Line.Slope*float64(n)
		// A slope that may as well be another one says nothing about what is far from the measured points.
		if beyond > 0 && Interval(c.Line.SlopeCI).half()*beyond <= ns/2 {
			p.At = append(p.At, Extrapolated{n, ns})
		}
	}
	for i := range r.Hooks {
		h := &r.Hooks[i]
		same := h.Test == c.Test && h.Syscall == c.Syscall && h.Hook == c.Hook && h.Program == c.Program
		if same && h.Rules > p.most && h.operation > 0 {
			loss := h.lossOfMore(c.Line.Slope * h.Calls)
			p.Loss, p.most, p.before = &loss, h.Rules, h.allHooks/h.operation
		}
	}
	return p
}

// lossOfMore returns the loss that ns more in the hooks of an operation add, in points of the baseline. An operation
// that takes t without hooks and h in them loses h/(t+h).
func (h *HookRow) lossOfMore(ns float64) float64 {
	before, after := h.allHooks/h.operation, (h.allHooks+ns)/(h.operation+ns)
	return after - before
}
