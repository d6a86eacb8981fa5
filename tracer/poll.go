package tracer

import (
	"context"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// Run polls until ctx is done, and once more.
func (t *Tracer) Run(ctx context.Context) error {
	next := time.NewTimer(PollInterval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			t.loader.control.shut()
			return t.Poll(context.WithoutCancel(ctx))
		case <-next.C:
			if err := t.Poll(ctx); err != nil {
				return err
			}
			next.Reset(t.pause())
		}
	}
}

// pause is how long to wait for the next Poll: of hundreds of thousands of counters a tenth of a CPU's time is enough.
func (t *Tracer) pause() time.Duration {
	const rest, longest = 9, 2 * time.Second
	return max(PollInterval, min(rest*t.draining, longest))
}

// Poll charges what was recorded since the last Poll to workloads, syscalls and rules, and follows programs that came or went.
func (t *Tracer) Poll(ctx context.Context) error {
	t.names.settle()
	if err := t.loader.control.follow(t.opts.Filter); err != nil {
		return err
	}
	if s := t.loader.stream; s != nil && s.counted {
		if err := t.collectStacks(); err != nil {
			return err
		}
	}
	if err := t.charge(); err != nil {
		return err
	}
	// After a change the next interval is in doubt too: make it short.
	for _, h := range t.histories {
		if h.unsettled() {
			if err := t.charge(); err != nil {
				return err
			}
			break
		}
	}
	return t.follow(ctx)
}

// charge drains the counters and reads the rules, in that order: see ruleHistory.
func (t *Tracer) charge() error {
	type drained struct {
		program int
		*count
	}
	var counts []drained
	began := time.Now()
	for i, tr := range t.order {
		if tr.probe == nil {
			continue
		}
		if err := tr.probe.cells.drain(func(c *count) { counts = append(counts, drained{i, c}) }); err != nil {
			return err
		}
	}
	t.draining = time.Since(began)
	t.readRules()
	for _, c := range counts {
		t.tally(c.program, c.count)
	}
	return nil
}

func (t *Tracer) tally(program int, c *count) {
	tr := t.order[program]
	key := rowKey{program: program, syscall: profile.SyscallOverflow, rules: profile.RulesUnknown}
	if !c.other {
		key = rowKey{program, syscallName(c.syscall), t.names.note(c.mntns, c.comm), t.rules(tr, c.mntns)}
	}
	row := t.rows[key]
	if row == nil {
		row = &profile.Row{Program: program, Syscall: key.syscall, Rules: key.rules}
		t.rows[key] = row
	}
	c.scale(uint64(max(1, t.opts.Sample)))
	tr.sum.Timed += c.readings.Count()
	tr.sum.Preempted += c.preempted
	row.Denials += c.denials
	row.Preempted += c.preempted
	row.Sum += c.sum
	row.Readings.Merge(&c.readings)
}

// lookInterval is how late it is noticed that a program was detached.
const lookInterval = time.Second

// follow probes programs that were attached since the last look and lets go of those that were detached: a probe keeps the
// program it sits on loaded.
func (t *Tracer) follow(ctx context.Context) error {
	// New links are noticed at once, by one syscall; that one went, by listing them all, which takes hundreds.
	if !lsm.HasNewer(t.links) && time.Since(t.looked) < lookInterval {
		return nil
	}
	t.looked = time.Now()
	ids, err := lsm.LinkIDs()
	if err != nil || slices.Equal(ids, t.links) {
		return err
	}
	// Read before the programs: what is attached meanwhile, also by ourselves, makes for one more look.
	t.links = ids
	progs, err := Programs()
	if err != nil {
		return err
	}
	t.identifyEnforcers(progs)
	targets := t.targets(progs)
	present := map[targetID]bool{}
	var fresh []target
	for _, target := range targets {
		present[target.id()] = true
		if tr := t.probes[target.id()]; tr == nil || tr.probe == nil {
			fresh = append(fresh, target)
		}
	}
	changed := len(fresh) > 0
	for id, tr := range t.probes {
		if tr.probe != nil && !present[id] {
			changed = true
			if err := t.letGo(tr); err != nil {
				return err
			}
		}
	}
	if !changed {
		return nil
	}
	// Two readings before the new probes record anything, each behind a drain as ruleHistory wants it.
	for range 2 {
		if err := t.charge(); err != nil {
			return err
		}
	}
	if err := t.attach(ctx, fresh); err != nil && ctx.Err() == nil {
		t.warnf("%v", err)
	}
	return nil
}

func (t *Tracer) letGo(tr *traced) error {
	i := slices.Index(t.order, tr)
	if err := tr.probe.cells.drain(func(c *count) { t.tally(i, c) }); err != nil {
		return err
	}
	misses, err := tr.probe.misses()
	if err != nil {
		return err
	}
	tr.missed += misses - tr.baseline
	if o, ok := t.origins[tr.probe.origin]; ok {
		o.gone = monotonic()
	}
	err = tr.probe.Close()
	tr.probe = nil
	return err
}

// Snapshot is what was charged until the last Poll.
func (t *Tracer) Snapshot() (profile.Snapshot, error) {
	s := profile.Snapshot{
		Start: t.started, Duration: time.Since(t.started), Calibration: t.opts.Calibration, Sample: t.opts.Sample,
		Warnings: slices.Clone(t.warns),
	}
	for _, tr := range t.order {
		p := tr.sum
		p.Missed = tr.missed
		if tr.probe != nil {
			misses, err := tr.probe.misses()
			if err != nil {
				return s, err
			}
			p.Missed += misses - tr.baseline
		}
		s.Programs = append(s.Programs, p)
	}
	t.names.settle()
	s.Rows = make([]profile.Row, 0, len(t.rows))
	keys := make([]rowKey, 0, len(t.rows))
	for key, row := range t.rows {
		r := *row
		if key.workload != nil {
			r.Workload = *key.workload
		}
		s.Rows, keys = append(s.Rows, r), append(keys, key)
	}
	if t.opts.Stacks.Any() {
		return s, t.addStacks(&s, keys)
	}
	return s, nil
}
