package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/lsmprof/lsmprof/internal/terminal"
)

// showRecording shows how long a recording has run, and how long it still takes, until ctx is done
// or stop is called. Without a duration only Ctrl-C ends a recording.
func showRecording(ctx context.Context, std streams, duration time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	start, p := time.Now(), terminal.NewProgress(std.err, std.quiet)
	go func() {
		defer close(gone)
		defer p.End()
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			elapsed := time.Since(start)
			if duration > 0 {
				done := min(1, float64(elapsed)/float64(duration))
				p.Show(done, max(0, duration-elapsed), "recording")
			} else {
				p.Show(-1, 0, fmt.Sprintf("recording for %s; Ctrl-C stops and writes the results",
					elapsed.Round(time.Second)))
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-gone }
}
