package serve

import (
	"context"
	"time"

	"github.com/lsmprof/lsmprof/internal/projection"
	"github.com/lsmprof/lsmprof/profile"
)

// export measures all the time and gives the exporter a profile every ExportInterval, until ctx is done. While there is
// nothing to measure it waits for an enforcer.
func (s *Server) export(ctx context.Context) {
	tick := time.NewTicker(s.config.ExportInterval)
	defer tick.Stop()
	f := follower{probes: s.probes}
	defer f.leave()
	for {
		delta, err := f.next(ctx)
		if err == nil && len(delta.Rows) > 0 {
			err = s.exportOne(delta)
		}
		if err != nil {
			s.log.Debug("nothing to export", "reason", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) exportOne(delta profile.Snapshot) error {
	costs, err := delta.Costs()
	if err != nil {
		return err
	}
	p, err := projection.ForStore("otel", &costs)
	if err != nil {
		return err
	}
	return s.config.Exporter.Add(p)
}

// follower is a client that measures all the time.
type follower struct {
	probes *probes
	inside bool // it uses the probes of this life
	life   int
	base   profile.Snapshot
}

// next returns what was measured since the last call: nothing at first, and after the probes were lost or replaced.
func (f *follower) next(ctx context.Context) (delta profile.Snapshot, err error) {
	p := f.probes
	p.mu.Lock()
	lost := f.inside && (p.tracer == nil || p.life != f.life)
	if f.inside && !lost {
		defer p.mu.Unlock()
		now, err := p.snapshot()
		if err != nil {
			return delta, err
		}
		delta, err = now.Since(f.base)
		f.base = now
		if err != nil {
			return delta, err
		}
		// It is in the middle of nothing now, so that the probes can be renewed.
		p.users--
		err = p.renew()
		p.users++
		if err == nil && p.tracer != nil && p.life != f.life {
			f.life = p.life
			f.base, err = p.snapshot()
		}
		return delta, err
	}
	if f.inside {
		p.users--
		f.inside = false
	}
	p.mu.Unlock()
	base, life, err := p.acquire(ctx, client{why: "OTLP"})
	if err != nil {
		return delta, err
	}
	f.inside, f.base, f.life = true, base, life
	return delta, nil
}

func (f *follower) leave() {
	if f.inside {
		f.inside = false
		f.probes.release()
	}
}
