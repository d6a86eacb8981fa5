package terminal

import (
	"bytes"
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
