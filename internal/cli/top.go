package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/internal/top"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

const topShort = "Shows live what BPF LSM programs cost; ? lists the keys. Without a terminal, a table per interval"

// topOptions are the flags of top.
type topOptions struct {
	session
	interval   time.Duration
	iterations int
	by         string
	format     string
	top        int
}

func (o *topOptions) flags(f *pflag.FlagSet) {
	f.DurationVar(&o.interval, "interval", time.Second, "how often the screen changes")
	f.IntVar(&o.iterations, "iterations", 0, "end after so many intervals; default: with q or Ctrl-C")
	f.StringVar(&o.by, "by", "workload", "rows by workload, syscall, hook or program")
	f.StringVarP(&o.format, "format", "o", "text", "text, or json: one object per interval on a line of its own")
	f.IntVar(&o.top, "top", 30, "rows of each table where stdout is no terminal, 0 for all")
	o.session.flags(f)
}

func topCmd(ctx context.Context, std streams, args []string) error {
	o := topOptions{session: newSession("top", args)}
	f := newFlags(std, "top", "", topShort)
	o.flags(f)
	if err := parseNoArgs(f, args); err != nil {
		return err
	}
	by, err := o.validate()
	if err != nil {
		return usageError{fmt.Errorf("top: %w", err)}
	}
	t, err := o.start(ctx)
	if err != nil {
		return classify(err)
	}
	feed := topFeed{session: &o.session, tracer: t}
	if o.format == "text" && isTerminal(std.out) {
		err = o.interact(ctx, &feed, top.New(by, o.interval))
	} else {
		err = o.print(ctx, std.out, &feed, top.New(by, o.interval))
	}
	for _, line := range feed.last.Facts() {
		fmt.Fprintln(std.err, text.Printable(line))
	}
	return errors.Join(err, t.Close())
}

// validate returns the grouping.
func (o *topOptions) validate() (by int, err error) {
	names := top.Groupings()
	by = slices.Index(names, o.by)
	switch {
	case by < 0:
		return 0, fmt.Errorf("--by %s: must be one of %s", o.by, strings.Join(names, ", "))
	case o.format != "text" && o.format != "json":
		return 0, fmt.Errorf("-o %s: must be text or json", o.format)
	case o.interval < tracer.PollInterval:
		return 0, fmt.Errorf("--interval %s: must be at least %s", o.interval, tracer.PollInterval)
	case o.iterations < 0:
		return 0, fmt.Errorf("--iterations %d: must not be negative", o.iterations)
	}
	return by, o.session.validate()
}

// topFeed cuts a recording into intervals.
type topFeed struct {
	*session
	tracer *tracer.Tracer
	last   profile.Snapshot
	self   time.Duration
}

// next returns what was measured since the last call, or since the recording began.
func (f *topFeed) next(ctx context.Context) (top.Interval, error) {
	if err := f.tracer.Poll(ctx); err != nil {
		return top.Interval{}, err
	}
	now, err := f.snapshot(f.tracer)
	if err != nil {
		return top.Interval{}, err
	}
	i := top.Interval{End: now.Start.Add(now.Duration), Delta: now}
	if f.last.Duration > 0 {
		if i.Delta, err = now.Since(f.last); err != nil {
			return i, err
		}
	}
	self := kernel.CPUTime()
	i.Self = self - f.self
	f.last, f.self = now, self
	return i, nil
}

// run adds intervals to the model and calls show after each, until the number of intervals is reached, handle
// returns false or ctx is done. events may be nil.
func (f *topFeed) run(ctx context.Context, m *top.Model, iterations int, events <-chan top.Event,
	show func() error, handle func(top.Event) (goOn bool),
) error {
	f.self = kernel.CPUTime()
	interval := m.Interval()
	poll, tick := time.NewTicker(tracer.PollInterval), time.NewTicker(interval)
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
			if now := m.Interval(); now != interval {
				interval = now
				tick.Reset(now)
			}
		case <-poll.C:
			if err := f.tracer.Poll(ctx); err != nil {
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
		}
	}
}

// interact shows the model on the terminal until the user ends it.
func (o *topOptions) interact(ctx context.Context, f *topFeed, m *top.Model) error {
	screen, err := top.OpenScreen()
	if err != nil {
		return fmt.Errorf("%w; `lsmprof top | cat` prints tables instead", err)
	}
	defer screen.Close()
	// Warnings are on the screen. A line on stderr would tear it.
	old := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(old)

	show := func() error {
		screen.Draw(m)
		return nil
	}
	return f.run(ctx, m, o.iterations, screen.Events(), show, func(e top.Event) bool { return screen.Handle(e, m) })
}

// print writes a table or an object per interval.
func (o *topOptions) print(ctx context.Context, w io.Writer, f *topFeed, m *top.Model) error {
	return f.run(ctx, m, o.iterations, nil, func() error {
		if o.format == "json" {
			return m.WriteJSON(w)
		}
		return m.WriteText(w, o.top, 0)
	}, nil)
}
