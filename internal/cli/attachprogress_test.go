package cli

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestAttachProgressIsSaidOnceASecond(t *testing.T) {
	var out bytes.Buffer
	at := time.Unix(0, 0)
	progress := attachProgress(func() time.Time { return at }, slog.New(slog.NewTextHandler(&out, nil)))
	for done := 1; done <= 10; done++ {
		at = at.Add(300 * time.Millisecond)
		progress(done, 10)
	}
	var said []string
	for line := range strings.Lines(out.String()) {
		_, what, _ := strings.Cut(line, "msg=")
		said = append(said, strings.TrimSpace(what))
	}
	want := []string{`"attaching probes" done=4 programs=10`, `"attaching probes" done=8 programs=10`}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", said, want)
	}
}
