package top

import (
	"context"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// Recording is a recording that is under way: a tracer.
type Recording interface {
	// Poll reads the counters.
	Poll(ctx context.Context) error
	// SampleLines samples what programs execute at this rate, per second on each CPU; 0 ends that.
	SampleLines(hz int) error
	Snapshot() (profile.Snapshot, error)
}

// Feed cuts a recording into intervals.
type Feed struct {
	Recording    Recording
	PollInterval time.Duration
	Lines        int                  // Hz at which to sample the insides of programs while the user looks
	CPUTime      func() time.Duration // that lsmprof itself has used

	last  profile.Snapshot
	self  time.Duration
	lines *profile.Snapshot // before the insides of programs were sampled; nil: they are not
}

// Last returns the latest snapshot.
func (f *Feed) Last() *profile.Snapshot { return &f.last }

// sampleLines samples the insides of programs while the user looks at them.
func (f *Feed) sampleLines(m *Model) error {
	switch {
	case m.WantsLines() && f.lines == nil:
		if err := f.Recording.SampleLines(f.Lines); err != nil {
			m.NoLines(err)
			return nil
		}
		base, err := f.Recording.Snapshot()
		f.lines = &base
		return err
	case !m.WantsLines() && f.lines != nil:
		f.lines = nil
		return f.Recording.SampleLines(0)
	}
	return nil
}

// next returns what was measured since the last call, or since the recording began.
func (f *Feed) next(ctx context.Context) (Interval, error) {
	if err := f.Recording.Poll(ctx); err != nil {
		return Interval{}, err
	}
	now, err := f.Recording.Snapshot()
	if err != nil {
		return Interval{}, err
	}
	i := Interval{End: now.Start.Add(now.Duration), Delta: now}
	if f.last.Duration > 0 {
		if i.Delta, err = now.Since(f.last); err != nil {
			return i, err
		}
	}
	if f.lines != nil {
		if i.Inside, err = now.Since(*f.lines); err != nil {
			return i, err
		}
	}
	self := f.CPUTime()
	i.Self = self - f.self
	f.last, f.self = now, self
	return i, nil
}

// Run adds intervals to the model and calls show after each, until the number of intervals is reached (0: never),
// handle returns false or ctx is done. events may be nil.
func (f *Feed) Run(ctx context.Context, m *Model, iterations int, events <-chan Event, show func() error,
	handle func(Event) (goOn bool),
) error {
	f.self = f.CPUTime()
	interval := m.Interval()
	poll, tick := time.NewTicker(f.PollInterval), time.NewTicker(interval)
	defer poll.Stop()
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events:
			if !handle(e) {
				return nil
			}
			if err := f.sampleLines(m); err != nil {
				return err
			}
			if now := m.Interval(); now != interval {
				interval = now
				tick.Reset(now)
			}
		case <-poll.C:
			if err := f.Recording.Poll(ctx); err != nil {
				return err
			}
		case <-tick.C:
			i, err := f.next(ctx)
			if err != nil {
				return err
			}
			if err := m.Add(i); err != nil {
				return err
			}
			if err := show(); err != nil {
				return err
			}
			if n++; n == iterations {
				return nil
			}
			tick.Reset(interval) // after a stall the next interval has its full length
		}
	}
}
