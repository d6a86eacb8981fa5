package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// errLost says that the probes went while somebody measured.
var errLost = errors.New("the probes were lost meanwhile; ask again")

// errDraining says that the server is about to end.
var errDraining = errors.New("the server is shutting down")

// probes are shared by everybody who measures: attached for the first, detached after the last. A scraper counts as one for so
// long after each scrape that it is still one at the next.
type probes struct {
	start    func(context.Context) (Tracer, error)
	always   bool
	linger   time.Duration
	interval time.Duration // between polls
	now      func() time.Time
	absorb   func(profile.Snapshot, []Room) // is given what was measured, every invocation once

	ctx  context.Context // of the server: probes outlive the request that attached them
	wake chan struct{}   // the loop has something to do

	mu        sync.Mutex // also keeps calls of the tracer apart
	users     int
	scraped   time.Time
	tracer    Tracer // nil: none attached
	life      int    // of the tracer: tells it from one before
	absorbed  profile.Snapshot
	room      []Room
	polled    time.Time
	renewed   time.Time
	attempted time.Time
	trouble   error // why the last attempt to attach failed
	closed    bool
}

// acquire attaches the probes if nobody has yet, and returns what they measured so far.
func (p *probes) acquire(ctx context.Context) (base profile.Snapshot, life int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return base, 0, err // gone while it waited for the lock
	}
	if err := p.attach(); err != nil {
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

// release is the other end of acquire.
func (p *probes) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users--
	p.detachIdle()
}

// measure returns what was measured from now on, until the duration is over or the server ends. Whoever goes away before gets
// nothing, and no longer keeps the probes.
func (p *probes) measure(ctx context.Context, d time.Duration) (profile.Snapshot, error) {
	base, life, err := p.acquire(ctx)
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

// scrape hands what was measured to absorb. Unless linger is 0 it keeps the probes attached until the next scrape.
func (p *probes) scrape() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scraped = p.now()
	defer func() { p.scraped = p.now() }() // attaching may take its time
	if p.linger > 0 || p.always {
		if err := p.attach(); err != nil {
			return err
		}
	}
	if p.tracer == nil {
		return nil
	}
	if err := p.settle(); err != nil {
		return err
	}
	return p.renew()
}

// attach starts the probes where there are none. The caller holds the lock, as of everything below.
func (p *probes) attach() error {
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
	p.tracer, p.life, p.absorbed = t, p.life+1, profile.Snapshot{}
	p.polled, p.renewed = p.now(), p.now()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// snapshot is up to date. Probes that cannot be read are of no use to anybody.
func (p *probes) snapshot() (s profile.Snapshot, err error) {
	if err = p.tracer.Poll(context.WithoutCancel(p.ctx)); err == nil {
		s, err = p.tracer.Snapshot()
	}
	if err != nil {
		err = fmt.Errorf("read the probes: %w", err)
		p.discard(err)
		return s, err
	}
	p.polled, p.room = p.now(), p.tracer.Room()
	return s, nil
}

// settle hands over what was measured since it did so last.
func (p *probes) settle() error {
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
	p.absorb(delta, p.room)
	return nil
}

func (p *probes) wanted() bool {
	return !p.closed && (p.users > 0 || p.always || p.linger > 0 && p.now().Sub(p.scraped) < p.linger)
}

// detachIdle detaches the probes where nobody wants them.
func (p *probes) detachIdle() {
	if p.tracer == nil || p.wanted() {
		return
	}
	if err := p.settle(); err != nil {
		slog.Warn("what was measured last is not in the totals", "reason", err)
	}
	p.discard(nil)
}

func (p *probes) discard(why error) {
	if p.tracer == nil {
		return
	}
	if why != nil {
		slog.Error("the probes are detached", "reason", why)
	}
	if err := p.tracer.Close(); err != nil {
		slog.Error("detach the probes", "reason", err)
	}
	p.tracer, p.room, p.absorbed = nil, nil, profile.Snapshot{}
}

// Of a workload that has ended, counters in the kernel and rows stay for as long as the probes do.
const (
	crowdedRows   = 20_000
	crowdedRoom   = 0.75
	renewInterval = 10 * time.Minute
)

// renew attaches new probes where ended workloads have filled the counters of the old ones, and nobody is in the middle of
// measuring. What runs in between, for about a second, is not measured.
func (p *probes) renew() error {
	if p.users > 0 || p.now().Sub(p.renewed) < renewInterval || !p.crowded() {
		return nil
	}
	slog.Info("attaching new probes: the counters of these are nearly full", "rows", len(p.absorbed.Rows))
	p.discard(nil)
	return p.attach()
}

func (p *probes) crowded() bool {
	for _, r := range p.room {
		if float64(r.Used) > crowdedRoom*float64(r.Cells) {
			return true
		}
	}
	return len(p.absorbed.Rows) > crowdedRows
}
