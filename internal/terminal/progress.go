package terminal

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
)

// interval is how often Progress prints a line to a stream that is not a terminal.
const interval = 30 * time.Second

// Progress shows how far a long operation is: on a terminal by one line that changes, elsewhere by a line every 30 s.
// It is safe for concurrent use.
type Progress struct {
	w        io.Writer
	terminal bool
	quiet    bool
	now      func() time.Time

	mu    sync.Mutex
	began time.Time
	last  time.Time // when a line was printed
	shown bool      // the terminal shows a line that must be erased
}

// NewProgress returns a Progress that writes to w, or nothing if quiet is set.
func NewProgress(w io.Writer, quiet bool) *Progress {
	now := time.Now()
	return &Progress{w: w, terminal: Screen(w), quiet: quiet, now: time.Now, began: now, last: now}
}

// Show prints what lsmprof is doing. done is a share from 0 to 1, or negative if unknown. The time that remains
// follows; if remaining is 0, Show estimates it from the time since NewProgress.
func (p *Progress) Show(done float64, remaining time.Duration, doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.quiet || !p.terminal && now.Sub(p.last) < interval {
		return
	}
	line := doing
	if done >= 0 {
		if elapsed := now.Sub(p.began); remaining == 0 && done > 0 && elapsed > time.Second {
			remaining = time.Duration(float64(elapsed) * (1 - done) / done)
		}
		line = fmt.Sprintf("%3.0f %%  %s", 100*done, doing)
	}
	if remaining >= time.Second {
		line += fmt.Sprintf(", %s left", remaining.Round(time.Second))
	}
	p.last = now
	if !p.terminal {
		fmt.Fprintln(p.w, line)
		return
	}
	p.shown = true
	fmt.Fprint(p.w, clearLine+text.Cut(line, Width(p.w)-1))
}

// Print prints lines that stay.
func (p *Progress) Print(lines string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprint(p.w, lines)
}

// End erases the line that changes.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

func (p *Progress) erase() {
	if p.shown {
		fmt.Fprint(p.w, clearLine)
		p.shown = false
	}
}

// Count shows every second how long an operation has run, until ctx is done or stop is called. With a duration it shows
// how much of it is over, else it adds endless to the line. The line begins with doing.
func (p *Progress) Count(ctx context.Context, duration time.Duration, doing, endless string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	start := p.now()
	go func() {
		defer close(ended)
		defer p.End()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			elapsed := p.now().Sub(start)
			if duration > 0 {
				done := min(1, float64(elapsed)/float64(duration))
				p.Show(done, max(0, duration-elapsed), doing)
			} else {
				p.Show(-1, 0, fmt.Sprintf("%s for %s; %s", doing, elapsed.Round(time.Second), endless))
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-ended }
}
