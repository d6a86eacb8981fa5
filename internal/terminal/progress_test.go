package terminal

import (
	"bytes"
	"context"
	"testing"
	"time"
)

func TestProgress(t *testing.T) {
	start := time.Unix(0, 0)
	for _, test := range []struct {
		name            string
		terminal, quiet bool
		want            string
	}{
		{name: "terminal", terminal: true, want: clearLine + "  0 %  attaching" + clearLine +
			" 50 %  attaching, 20s left" +
			clearLine + "recording, 5s left" + clearLine + "done\n"},
		{name: "log", want: "recording, 5s left\ndone\n"},
		{name: "quiet", terminal: true, quiet: true, want: "done\n"},
	} {
		var out bytes.Buffer
		now := start
		p := &Progress{
			w: &out, terminal: test.terminal, quiet: test.quiet,
			now: func() time.Time { return now }, began: start, last: start,
		}
		p.Show(0, 0, "attaching")
		now = now.Add(20 * time.Second)
		p.Show(0.5, 0, "attaching")
		now = now.Add(20 * time.Second)
		p.Show(-1, 5*time.Second, "recording")
		p.Print("done\n")
		p.End()
		if out.String() != test.want {
			t.Errorf("%s: %q, want %q", test.name, out.String(), test.want)
		}
	}
}

func TestCountEndsWithItsContext(t *testing.T) {
	for _, test := range []struct {
		duration time.Duration
		want     string
	}{
		{0, clearLine + "recording for 0s; Ctrl-C stops" + clearLine},
		{time.Minute, clearLine + "  0 %  recording, 1m0s left" + clearLine},
	} {
		var out bytes.Buffer
		now := time.Unix(0, 0)
		p := &Progress{w: &out, terminal: true, now: func() time.Time { return now }, began: now, last: now}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p.Count(ctx, test.duration, "recording", "Ctrl-C stops")()
		if out.String() != test.want {
			t.Errorf("%v: %q, want %q", test.duration, out.String(), test.want)
		}
	}
}
