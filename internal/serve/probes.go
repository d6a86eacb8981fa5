package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// errLost is the answer to clients whose probes broke while they measured.
var errLost = errors.New("the probes were lost while measuring; ask again")

// errDraining is the answer to clients that ask while the server ends.
var errDraining = errors.New("the server is shutting down")

// probes are shared by all clients that measure: they are attached for the first and detached after the last. A scraper
// counts as one of them for linger after each scrape, so that it still is one at the next.
type probes struct {
	start    func(context.Context) (Tracer, error)
	always   bool
	linger   time.Duration
	interval time.Duration // between polls
	now      func() time.Time
	log      *slog.Logger
	absorb   func(profile.Snapshot, []profile.CounterUsage) // gets what was measured, every call once

	ctx  context.Context // of the server: probes outlive the request that attached them
	wake chan struct{}   // wakes run when probes were attached

	mu         sync.Mutex // also serializes calls of the tracer
	users      int
	scraped    time.Time
	tracer     Tracer    // nil: no probes are attached
	attached   time.Time // when
	life       int       // number of the tracer, which tells it from an earlier one
	absorbed   profile.Snapshot
	overflowed bool // some of what was absorbed last found no counter
	usage      []profile.CounterUsage
	polled     time.Time
	renewed    time.Time
	attempted  time.Time
	trouble    error // why the last attempt to attach failed
	closed     bool
}

// client identifies a client in the log.
type client struct {
	address string // "" for the server itself
	why     string // profile of 30s
}

// acquire attaches the probes if none are attached, and returns what they have measured so far.
func (p *probes) acquire(ctx context.Context, who client) (base profile.Snapshot, life int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return base, 0, err // the client went away while it waited for the lock
	}
	if err := p.attach(who); err != nil {
		return base, 0, err
	}
	p.users++
	base, err = p.snapshot()
	if err != nil {
		p.users--
		p.detachIdle()
	}
	return base, p.life, err
}

// release ends the use of the probes that acquire began.
func (p *probes) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users--
	p.detachIdle()
}

// measure returns what is measured from now on, until the duration is over or the server ends. A client that goes away
// gets nothing, and keeps the probes no longer.
func (p *probes) measure(ctx context.Context, d time.Duration, who client) (profile.Snapshot, error) {
	base, life, err := p.acquire(ctx, who)
	if err != nil {
		return profile.Snapshot{}, err
	}
	defer p.release()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return profile.Snapshot{}, ctx.Err()
	case <-p.ctx.Done():
	case <-timer.C:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tracer == nil || p.life != life {
		return profile.Snapshot{}, errLost
	}
	now, err := p.snapshot()
	if err != nil {
		return profile.Snapshot{}, err
	}
	return now.Since(base)
}

// scrape passes what was measured to absorb. Unless linger is 0 it keeps the probes attached until the next scrape.
func (p *probes) scrape(who client) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scraped = p.now()
	defer func() { p.scraped = p.now() }() // attaching may take a while
	if p.linger > 0 || p.always {
		if err := p.attach(who); err != nil {
			return err
		}
	}
	if p.tracer == nil {
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	return p.renew()
}

// attach starts the probes if none are attached. The caller holds the lock, as for everything below.
func (p *probes) attach(who client) error {
	if p.closed || p.ctx.Err() != nil {
		return errDraining
	}
	if p.tracer != nil {
		return nil
	}
	p.attempted = p.now()
	var t Tracer
	t, p.trouble = p.start(p.ctx)
	if p.trouble != nil {
		return p.trouble
	}
	p.log.Info("probes attached", "why", who.why, "client", who.address)
	p.tracer, p.life, p.absorbed = t, p.life+1, profile.Snapshot{}
	p.attached, p.polled, p.renewed = p.now(), p.now(), p.now()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// snapshot polls first. If the probes cannot be read, they are detached: they are of no use to any client.
func (p *probes) snapshot() (s profile.Snapshot, err error) {
	if err = p.tracer.Poll(context.WithoutCancel(p.ctx)); err == nil {
		s, err = p.tracer.Snapshot()
	}
	if err != nil {
		err = fmt.Errorf("read the probes: %w", err)
		p.discard(err)
		return s, err
	}
	p.polled, p.usage = p.now(), p.tracer.CounterUsage()
	return s, nil
}

// flush passes what was measured since the last flush to absorb.
func (p *probes) flush() error {
	now, err := p.snapshot()
	if err != nil {
		return err
	}
	delta := now
	if p.absorbed.Duration > 0 {
		if delta, err = now.Since(p.absorbed); err != nil {
			return err
		}
	}
	p.absorbed = now
	p.overflowed = slices.ContainsFunc(delta.Rows,
		func(r profile.Row) bool { return r.Syscall == profile.SyscallOverflow })
	p.absorb(delta, p.usage)
	return nil
}

func (p *probes) wanted() bool {
	return !p.closed && (p.users > 0 || p.always || p.linger > 0 && p.now().Sub(p.scraped) < p.linger)
}

// detachIdle detaches the probes if no client needs them.
func (p *probes) detachIdle() {
	if p.tracer == nil || p.wanted() {
		return
	}
	if err := p.flush(); err != nil {
		p.log.Warn("the totals lack what was measured last", "reason", err)
	}
	p.discard(nil)
}

// discard detaches the probes. A reason means that they broke.
func (p *probes) discard(why error) {
	if p.tracer == nil {
		return
	}
	if err := p.tracer.Close(); err != nil {
		p.log.Error("detach the probes", "reason", err)
	}
	after := p.now().Sub(p.attached).Round(time.Millisecond)
	if why != nil {
		p.log.Error("probes detached", "reason", why, "after", after)
	} else {
		p.log.Info("probes detached", "after", after)
	}
	p.tracer, p.usage, p.absorbed = nil, nil, profile.Snapshot{}
}

// The rows of workloads that have ended stay for as long as the probes do, and so may their counters. These are the
// bounds beyond which new probes take the place of the old ones.
const (
	crowdedRows   = 20_000
	crowdedUsage  = 0.75
	renewInterval = 10 * time.Minute
)

// renew attaches new probes if the counters of the present ones are crowded and no client is measuring. Calls in
// between, for about a second, are not measured.
func (p *probes) renew() error {
	if p.users > 0 || p.now().Sub(p.renewed) < renewInterval || !p.crowded() {
		return nil
	}
	p.discard(nil)
	return p.attach(client{why: "the counters of the last probes were nearly full or its rows too many"})
}

func (p *probes) crowded() bool {
	for _, u := range p.usage {
		if float64(u.Used) > crowdedUsage*float64(u.Counters) {
			return true
		}
	}
	if p.overflowed {
		return true
	}
	return len(p.absorbed.Rows) > crowdedRows
}
