package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"time"

	"github.com/lsmprof/lsmprof/internal/recording"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/profile"
)

// Exit statuses of a command that did not start, as a shell has them.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
)

// findCommand looks up the command before anything is measured.
func (o *recordOptions) findCommand(std streams) error {
	if len(o.command) == 0 {
		return nil
	}
	_, err := exec.LookPath(o.command[0])
	if err == nil {
		return nil
	}
	status := exitNotExecutable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		status = exitNotFound
	}
	return didNotStart(std, o.command[0], err, status)
}

// didNotStart reports a command that did not start, with the status that a shell would give.
func didNotStart(std streams, name string, err error, status int) error {
	var cause *exec.Error
	if errors.As(err, &cause) {
		err = cause.Err
	}
	fmt.Fprintf(std.err, "lsmprof: record: run %s: %v\n", name, err)
	return exitError{status}
}

// work returns what is recorded. With --json stdout is one object, and the command prints to stderr.
func (o *recordOptions) work(std streams) *recording.Work {
	w := &recording.Work{Command: o.command, Duration: o.duration, Show: std.showRecording, Stdin: std.in}
	w.Stdout, w.Stderr = terminal.Plain(std.out), terminal.Plain(std.err)
	if o.JSON() {
		w.Stdout = w.Stderr
	}
	return w
}

// measure records work. status is that of the command.
func (s *session) measure(ctx context.Context, t sessionTracer, work *recording.Work) (
	snap profile.Snapshot, status int, err error,
) {
	status, err = work.Measure(ctx, t)
	s.containers.Look(context.WithoutCancel(ctx)) // names for containers that started last
	snap, snapErr := t.Snapshot()
	return snap, status, errors.Join(err, snapErr)
}

// showRecording shows how far a recording is, until ctx is done or stop is called.
func (s streams) showRecording(ctx context.Context, length time.Duration) (stop func()) {
	return terminal.NewProgress(s.err, s.quiet).
		Count(ctx, length, "recording", "Ctrl-C stops and writes the results")
}
