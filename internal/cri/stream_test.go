package cri

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/cri/critest"
)

func TestStreamsOfAProgramInAContainer(t *testing.T) {
	c := containerd(t)
	r := New(c.Socket)
	defer r.Close()
	app := c.Pod("default", "p", nil, "").Container("app", critest.App).Containers["app"]

	// The program answers each line before the next one is sent.
	in, lines := io.Pipe()
	answers, out := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		script := `while read l; do echo "got $l"; done; echo bye >&2; exit 3`
		status, err := r.Exec(t.Context(), app, []string{"sh", "-c", script}, Streams{in, out, &stderr})
		if err != nil {
			t.Error(err)
		}
		out.Close()
		ended <- status
	}()
	answer := make([]byte, 64)
	for _, line := range []string{"one", "two"} {
		if _, err := io.WriteString(lines, line+"\n"); err != nil {
			t.Fatal(err)
		}
		n, err := answers.Read(answer)
		if err != nil || string(answer[:n]) != "got "+line+"\n" {
			t.Fatalf("%q: %q, %v", line, answer[:n], err)
		}
	}
	lines.Close()
	if status := <-ended; status != 3 || stderr.String() != "bye\n" {
		t.Errorf("status %d, stderr %q", status, stderr.String())
	}

	var big bytes.Buffer
	if status, err := r.Exec(t.Context(), app, []string{"sh", "-c", "cat /bin/busybox"},
		Streams{Stdout: &big}); status != 0 || err != nil {
		t.Errorf("cat: %d, %v", status, err)
	}
	if all, err := r.Run(t.Context(), app, []string{"cat", "/bin/busybox"}, time.Minute); err != nil ||
		!bytes.Equal(all.Stdout, big.Bytes()) {
		t.Errorf("%d of %d bytes streamed, %v", big.Len(), len(all.Stdout), err)
	}

	if _, err := r.Exec(t.Context(), app, []string{"no-such-program"}, Streams{Stdout: io.Discard}); err == nil ||
		!strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("missing program: %v", err)
	}
	if _, err := r.Exec(t.Context(), "0123", []string{"sh"}, Streams{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing container: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := r.Exec(ctx, app, []string{"sh", "-c", "read l"}, Streams{
		Stdin:  blocked{ctx},
		Stdout: io.Discard,
	}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("deadline: %v", err)
	}
}

// blocked is an input without data until its context is done.
type blocked struct{ ctx context.Context }

func (b blocked) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, io.EOF
}

// exited returns the status of a program that ended with a code other than 0, as containerd and CRI-O write it.
func exited(code, message string) string {
	return `{"status":"Failure","reason":"NonZeroExitCode","message":"` + message +
		`","details":{"causes":[{"reason":"ExitCode","message":"` + code + `"}]}}`
}

func TestExitStatusesAsRuntimesWriteThem(t *testing.T) {
	for _, test := range []struct {
		text, fails string
		status      int
	}{
		{`{"status":"Success"}`, "", 0},
		{exited("137", ""), "", 137},
		{exited("x", "odd"), "odd", 0},
		{`{"status":"Failure","message":"\u001b[31mno\n"}`, "?[31mno?", 0},
		{`{"status":"Failure"}`, "without a reason", 0},
		{"", "closed the connection", 0},
		{"<html>", "not in JSON", 0},
	} {
		status, err := parseStatus([]byte(test.text))
		failed := err != nil && test.fails != "" && strings.Contains(err.Error(), test.fails)
		if status != test.status || failed != (test.fails != "") || err != nil && !failed {
			t.Errorf("%s: status %d, %v; want %d, %q", test.text, status, err, test.status, test.fails)
		}
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(exited("2", "")))
	f.Fuzz(func(t *testing.T, text []byte) {
		if status, err := parseStatus(text); status < 0 || status > 255 || err != nil &&
			strings.ContainsRune(err.Error(), '\x1b') {
			t.Errorf("status %d, %v; want 0 to 255, and a printable error", status, err)
		}
	})
}
