package tracer

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/lsmprof/lsmprof/profile"
)

// attach probes the targets, several at a time: each makes the kernel wait for a few RCU grace periods. A target that
// cannot be probed is a warning, unless no target could be. It returns how many have probes now, and how many were
// gone.
func (s *probeSet) attach(
	ctx context.Context, targets []target, progress func(done, targets int),
) (n profile.Unprobed, err error) {
	s.loader.share = share(cmp.Or(s.opts.Memory, DefaultMemory), s.taken(), len(targets))
	probes, errs := make([]*probe, len(targets)), make([]error, len(targets))
	var wg sync.WaitGroup
	var done atomic.Int32
	limit := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	for i, target := range targets {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				probes[i], errs[i] = s.loader.attach(target, s.ring)
			}
			if progress != nil {
				progress(int(done.Add(1)), len(targets))
			}
		})
	}
	wg.Wait()
	for i, p := range probes {
		if p != nil {
			s.add(targets[i], p)
			n.Programs++
		}
		if errors.Is(errs[i], errGone) {
			n.Gone++
		}
	}
	if err := ctx.Err(); err != nil {
		return n, err
	}
	if len(s.targets) == 0 {
		return n, errors.Join(errs...)
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, errGone) {
			s.warnf("%v", err)
		}
	}
	return n, nil
}

// add records for a target. If its program was attached before, or replaces one of the same name, as after a restart of
// its enforcer, the earlier record goes on. So restarts add no rows.
func (s *probeSet) add(target target, p *probe) {
	t := s.predecessor(target)
	if t == nil {
		t = &probedTarget{enforcer: s.enforcerOf(target)}
		s.order = append(s.order, t)
	}
	delete(s.targets, t.target.id())
	s.targets[target.id()] = t
	t.target, t.probe, t.baseline = target, p, 0
	t.sum.Hook, t.sum.Enforcer = target.program.Hook, t.enforcer
	t.sum.Scope, t.sum.Position, t.sum.Probe = target.scope, target.program.Position, p.kind
	if target.scope != profile.ScopeHook {
		t.sum.ID, t.sum.Name = uint32(target.program.ID), target.program.Name
	}
	c := &s.opts.Calibration
	if target.scope == profile.ScopeFunction && c.Applies() && c.BiasFunction == (profile.Median{}) {
		s.warnf("the calibration lacks the bias of probes on functions of the kernel: the costs of %s are "+
			"rough",
			t.enforcer)
	}
	if p.kind == profile.ProbeHook && c.Applies() && c.BiasHook == (profile.Median{}) {
		s.warnf("the calibration lacks the bias of probes on a hook: the costs of %s are rough", target)
	}
	if p.kind == profile.ProbeSleepable && c.Applies() && c.BiasSleepable == (profile.Median{}) {
		s.warnf("%s is sleepable, and the calibration lacks the bias of sleepable programs: "+
			"its costs are about 50 ns per call too high", target)
	}
	if p.source > 0 {
		s.sources[p.source] = &eventSource{
			program: t.sum, forRules: target.programForRules(), subject: p.subject, void: p.void, target: t,
		}
	}
}

// predecessor returns the target, without a probe now, that this one replaces: a program of the same name on the same
// hook.
func (s *probeSet) predecessor(target target) *probedTarget {
	for _, t := range s.order {
		old := t.target
		if t.probe != nil || old.scope != target.scope || old.program.Hook != target.program.Hook {
			continue
		}
		if old.scope == profile.ScopeHook || old.program.Name == target.program.Name {
			return t
		}
	}
	return nil
}

// detach detaches the probes of a target. Its record stays.
func (s *probeSet) detach(t *probedTarget) error {
	missed, err := t.misses()
	if err != nil {
		return err
	}
	t.missed = missed
	if source, ok := s.sources[t.probe.source]; ok {
		source.gone = monotonic()
	}
	err = t.probe.Close()
	t.probe = nil
	return err
}
