package cli

import (
	"bytes"
	"errors"
	"testing"
)

// What a command logs reads like its other messages. Only serve, whose log is collected, writes keys and values.
func TestLogOfACommand(t *testing.T) {
	for _, c := range []struct {
		command        string
		quiet, verbose bool
		want           string
	}{
		{"record", false, false, "lsmprof: attached (why: a scrape)\nlsmprof: warning: no answer: gone?\n"},
		{"record", true, false, "lsmprof: warning: no answer: gone?\n"},
		{
			"top", false, true,
			"lsmprof: looked\nlsmprof: attached (why: a scrape)\nlsmprof: warning: no answer: gone?\n",
		},
		{"serve", true, false, "level=WARN msg=\"no answer\" reason=gone?\n"},
	} {
		var out bytes.Buffer
		l := newLogger(streams{err: &out, quiet: c.quiet, verbose: c.verbose}, c.command)
		l.Debug("looked")
		l.Info("attached", "why", "a scrape")
		l.Warn("no answer", "reason", errors.New("gone?"))
		if out.String() != c.want {
			t.Errorf("%+v: %q", c, out.String())
		}
	}
}
