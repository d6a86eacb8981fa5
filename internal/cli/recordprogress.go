package cli

import (
	"context"
	"fmt"
	"io"
	"time"
)

// showProgress keeps a line on a terminal that says how long a recording has gone on, and how long it will; until ctx is done.
// Without a terminal it does nothing.
func showProgress(ctx context.Context, w io.Writer, duration time.Duration) (stop func()) {
	if !isTerminal(w) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	gone := make(chan struct{})
	start := time.Now()
	go func() {
		defer close(gone)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			fmt.Fprint(w, clearLine+progressLine(time.Since(start), duration))
			select {
			case <-ctx.Done():
				fmt.Fprint(w, clearLine)
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-gone }
}

func progressLine(elapsed, duration time.Duration) string {
	if duration == 0 {
		return fmt.Sprintf("recording for %v; Ctrl-C stops and writes what was measured", elapsed.Round(time.Second))
	}
	return fmt.Sprintf("recording for %v, %v to go", elapsed.Round(time.Second), max(0, duration-elapsed).Round(time.Second))
}
