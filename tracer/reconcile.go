package tracer

import (
	"context"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/internal/lsm"
)

// recorder is what a probeSet needs from the Tracer or the Stream that it belongs to.
type recorder interface {
	// collect takes over what all probes recorded, and then reads the rules once; see ruleHistory.
	collect()
	// finish takes over what the probes of the i-th target recorded, before they are detached.
	finish(i int)
}

// poll collects what was recorded, probes new programs and detaches from those that are gone.
func (s *probeSet) poll(ctx context.Context, r recorder) error {
	s.names.refreshNames()
	if err := s.loader.control.refresh(s.opts.Filter); err != nil {
		return err
	}
	r.collect()
	// After a change of the rules the next interval is in doubt, too: make it short.
	for _, h := range s.histories {
		if h.unsettled() {
			r.collect()
			break
		}
	}
	return s.reconcile(ctx, r)
}

// scanInterval is how late a detached program is noticed, at most.
const scanInterval = time.Second

// reconcile probes programs that were attached since the last scan and detaches the probes of those that were
// detached: a probe keeps its program loaded.
func (s *probeSet) reconcile(ctx context.Context, r recorder) error {
	// What is new was attached after the last look, while counting was not paused.
	unprobedSince := s.looked
	s.looked = s.duration()
	// One syscall finds new links. Only a list of all links, hundreds of syscalls, shows that some are gone.
	if !lsm.HasNewer(s.links) && time.Since(s.lastScan) < scanInterval {
		return nil
	}
	s.lastScan = time.Now()
	ids, err := lsm.LinkIDs()
	if err != nil || slices.Equal(ids, s.links) {
		return err
	}
	s.links = ids
	progs, err := Programs()
	if err != nil {
		return err
	}
	s.listed = progs
	s.identifyEnforcers(progs)
	present := map[targetID]bool{}
	var fresh []target
	targets, lacking := s.choose(progs)
	s.warn(lacking)
	for _, target := range targets {
		present[target.id()] = true
		if t := s.targets[target.id()]; t == nil || t.probe == nil {
			fresh = append(fresh, target)
		}
	}
	changed := len(fresh) > 0
	for i, t := range s.order {
		if t.probe != nil && !present[t.target.id()] {
			changed = true
			r.finish(i)
			if err := s.detach(t); err != nil {
				return err
			}
		}
	}
	if !changed {
		return nil
	}
	// Two readings of the rules before the new probes record anything, each after collecting as ruleHistory needs
	// it.
	for range 2 {
		r.collect()
	}
	late, err := s.attach(ctx, fresh, nil)
	if err != nil && ctx.Err() == nil {
		s.warnf("%v", err)
	}
	if late.Programs+late.Gone > 0 {
		late.Time = s.duration() - unprobedSince
		s.unprobed.Programs += late.Programs
		s.unprobed.Gone += late.Gone
		s.unprobed.Time += late.Time
		if s.events {
			s.opts.Logger.Warn(late.String())
		}
	}
	return s.watchLines()
}
