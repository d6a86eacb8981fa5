package serve

import (
	"errors"
	"time"
)

// retryInterval is how often the server tries to attach probes that should always be attached: the enforcer may start
// later.
const retryInterval = 5 * time.Second

// run polls the probes while they are attached, detaches them when no client needs them any longer and, with always,
// attaches them. It returns when the server's context is done.
func (p *probes) run() {
	tick := time.NewTicker(p.interval)
	defer tick.Stop()
	for {
		idle := p.turn()
		if idle {
			tick.Stop()
			var retry <-chan time.Time
			if p.always {
				retry = time.After(retryInterval)
			}
			select {
			case <-p.ctx.Done():
				return
			case <-p.wake:
			case <-retry:
			}
			tick.Reset(p.interval)
			continue
		}
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// turn attaches, polls or detaches the probes as needed. It reports whether there is nothing to do until a client needs
// probes.
func (p *probes) turn() (idle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracer == nil && p.always && !p.closed && p.now().Sub(p.attempted) >= retryInterval {
		before := p.trouble
		err := p.attach(client{why: "probes are always attached"})
		if err != nil && (before == nil || before.Error() != err.Error()) && !errors.Is(err, errDraining) {
			p.log.Warn("not measuring yet", "reason", err)
		}
	}
	if p.tracer == nil {
		return true
	}
	p.detachIdle()
	if p.tracer == nil {
		return true
	}
	if err := p.tracer.Poll(p.ctx); err != nil && p.ctx.Err() == nil {
		p.discard(err)
		return true
	}
	p.polled = p.now()
	return false
}

// close detaches the probes for good.
func (p *probes) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.discard(nil)
}

// state is the state of the probes that health checks depend on.
type state struct {
	attached bool
	users    int
	stalled  time.Duration // since the last poll; 0 if none is due
	trouble  error         // why probes could not be attached
}

func (p *probes) state() state {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := state{attached: p.tracer != nil, users: p.users, trouble: p.trouble}
	if s.attached {
		s.stalled = p.now().Sub(p.polled)
		s.trouble = nil
	}
	return s
}
