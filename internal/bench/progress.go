package bench

import (
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Progress is how far a bench has come.
type Progress struct {
	Doing         string        // "execl,pipe: round 3 of 40"
	Done          float64       // share of the planned time
	Remaining     time.Duration // estimated; 0: unknown
	FinishedTests []string      // since the last report
}

// progress keeps account of planned and elapsed time.
type progress struct {
	bench       *Bench
	start       time.Time
	total, done time.Duration // as planned
	skipped     time.Duration // finished by an earlier bench
	fresh       []string      // finished tests that were not reported
}

func newProgress(b *Bench, p *rundir.Plan) *progress {
	c := &progress{bench: b, start: b.now(), total: p.Duration()}
	if b.Profiler != nil {
		for _, t := range p.Tests {
			c.total += p.ProfileDuration(t)
		}
	}
	return c
}

// over reports whether the time limit of the plan has passed.
func (p *progress) over() bool {
	limit := p.bench.Dir.Info.Plan.MaxTime
	return limit > 0 && p.bench.now().Sub(p.start) > limit
}

func (p *progress) finished(batch []rundir.Test) {
	for _, t := range batch {
		p.fresh = append(p.fresh, t.Name)
	}
	p.report("")
}

// add reports finished work that was planned to take this long.
func (p *progress) add(doing string, planned time.Duration) {
	p.done += planned
	p.report(doing)
}

// skip accounts for work of an earlier bench that was planned to take this long.
func (p *progress) skip(planned time.Duration) { p.skipped += planned }

func (p *progress) report(doing string) {
	if p.bench.Progress == nil {
		return
	}
	now := Progress{Doing: doing, FinishedTests: p.fresh}
	p.fresh = nil
	left := max(0, p.total-p.done-p.skipped)
	if p.total > 0 {
		now.Done = min(1, float64(p.done+p.skipped)/float64(p.total))
	}
	if p.done > 0 {
		now.Remaining = time.Duration(float64(p.bench.now().Sub(p.start)) / float64(p.done) * float64(left))
	}
	p.bench.Progress(now)
}
