package recording

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func shown(t *testing.T) func(context.Context, time.Duration) func() {
	return func(context.Context, time.Duration) func() { return func() { t.Log("measured") } }
}

func TestCommandRunsTwiceAndPrintsOnce(t *testing.T) {
	var out, err bytes.Buffer
	w := Work{
		Command: []string{"sh", "-c", "cat; echo out; echo err >&2; exit 3"},
		Stdin:   strings.NewReader("in "), Stdout: &out, Stderr: &err, Show: shown(t),
	}
	if status, err := w.Measure(t.Context(), waiter{}); status != 3 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	if status, err := w.again(t.Context(), waiter{}, 0); status != 3 || err != nil {
		t.Errorf("again: status %d, %v", status, err)
	}
	if out.String() != "in out\n" || err.String() != "err\nerr\n" {
		t.Errorf("stdout %q, stderr %q", out.String(), err.String())
	}
}

func TestStatusIsThatOfAShell(t *testing.T) {
	w := Work{Command: []string{"sh", "-c", "kill -9 $$"}, Show: shown(t)}
	if status, err := w.Measure(t.Context(), waiter{}); status != 128+9 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	w.Command = []string{"/nonexistent"}
	if _, err := w.Measure(t.Context(), waiter{}); !errors.As(err, new(*StartError)) {
		t.Errorf("a command that does not exist: %v", err)
	}
	if _, err := w.again(t.Context(), waiter{}, 0); err == nil ||
		!strings.HasPrefix(err.Error(), "run /nonexistent again: ") {
		t.Errorf("again: %v", err)
	}
}

func TestCommandEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := Work{
		Command: []string{"sh", "-c", "trap 'exit 7' TERM; echo; while :; do sleep 0.01; done"},
		Show:    shown(t),
	}
	w.Stdout = writerFunc(func(p []byte) (int, error) { // the trap is set
		cancel()
		return len(p), nil
	})
	if status, err := w.Measure(ctx, waiter{}); status != 7 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestTimeEnds(t *testing.T) {
	w := Work{Duration: time.Millisecond, Show: shown(t)}
	for _, pass := range []func() (int, error){
		func() (int, error) { return w.Measure(t.Context(), waiter{}) },
		func() (int, error) { return w.again(t.Context(), waiter{}, 0) },
		func() (int, error) { return w.again(t.Context(), waiter{}, time.Microsecond) },
	} {
		if status, err := pass(); status != 0 || err != nil {
			t.Errorf("status %d, %v", status, err)
		}
	}
}
