package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
)

// progressEvery is how often progress prints a line where no terminal can change one.
const progressEvery = 30 * time.Second

// progress shows how far a long operation is: one line that changes on a terminal, elsewhere a line every
// progressEvery. With --quiet it shows nothing. It is safe for concurrent use.
type progress struct {
	w        io.Writer
	terminal bool
	quiet    bool
	now      func() time.Time

	mu    sync.Mutex
	began time.Time
	last  time.Time // when a line was printed
	shown bool      // a line on the terminal is to be erased
}

func newProgress(std streams) *progress {
	now := time.Now()
	return &progress{
		w: std.err, terminal: isTerminal(std.err), quiet: std.quiet, now: time.Now, began: now,
		last: now,
	}
}

// show prints what lsmprof is doing. done is a share from 0 to 1, or negative if nobody knows. It is followed by the
// time that is left; if remaining is 0, show derives that from the time since newProgress.
func (p *progress) show(done float64, remaining time.Duration, doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.quiet || !p.terminal && now.Sub(p.last) < progressEvery {
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
	fmt.Fprint(p.w, clearLine+text.Cut(line, width(p.w)-1))
}

// print prints lines that stay.
func (p *progress) print(lines string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprint(p.w, lines)
}

// end erases the line that changes.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

func (p *progress) erase() {
	if p.shown {
		fmt.Fprint(p.w, clearLine)
		p.shown = false
	}
}
