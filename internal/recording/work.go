// Package recording measures a command, or a stretch of time: the recording itself, and the separate passes that
// follow it. It also names and writes the files that belong to a profile.
package recording

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"

	"github.com/lsmprof/lsmprof/internal/ownns"
)

// Work is what is measured: a command with everything that it starts, or a stretch of time.
type Work struct {
	Command  []string
	Duration time.Duration // without a command; 0: until the context is done

	// The streams of the command. A further run has only stderr: the first one has read the input and printed the
	// output.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Show shows how far a pass without a command is, until ctx is done or stop is called.
	Show func(ctx context.Context, length time.Duration) (stop func())
}

// Probes measure while Run runs. StartCommand calls start, which starts the command that they follow.
type Probes interface {
	Run(context.Context) error
	StartCommand(start func() error) error
}

// StartError means that the command did not start.
type StartError struct{ Err error }

func (e *StartError) Error() string { return e.Err.Error() }
func (e *StartError) Unwrap() error { return e.Err }

// Measure measures the work until it or ctx is over. status is that of the command, as a shell reports it.
func (w *Work) Measure(ctx context.Context, p Probes) (status int, err error) {
	return w.pass(ctx, p, w.Duration, false)
}

// again measures the work once more. Without a command it takes length, or if that is 0 as long as the recording, at
// most longestPass.
func (w *Work) again(ctx context.Context, p Probes, length time.Duration) (status int, err error) {
	status, err = w.pass(ctx, p, cmp.Or(length, min(w.Duration, longestPass)), true)
	if start := (*StartError)(nil); errors.As(err, &start) {
		err = fmt.Errorf("run %s again: %w", w.Command[0], err)
	}
	return status, err
}

// longestPass limits a further pass if the user gives no length for it.
const longestPass = 5 * time.Second

func (w *Work) pass(ctx context.Context, p Probes, length time.Duration, again bool) (status int, err error) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	if len(w.Command) == 0 {
		if length > 0 {
			ctx, done = context.WithTimeout(ctx, length)
			defer done()
		}
		defer w.Show(ctx, length)()
		return 0, p.Run(ctx)
	}
	cmd := w.newCommand(ctx, again)
	if err := p.StartCommand(func() error { return ownns.Start(cmd) }); err != nil {
		return 0, &StartError{err}
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		done()
	}()
	err = p.Run(ctx)
	return exitStatus(cmd, <-ended), err
}

// newCommand returns the command. When ctx is done it gets a SIGTERM and 5 s to end: a command that hangs must not keep
// the profile from being written.
func (w *Work) newCommand(ctx context.Context, again bool) *exec.Cmd {
	cmd := exec.CommandContext(ctx, w.Command[0], w.Command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stderr = w.Stderr
	if !again {
		cmd.Stdin, cmd.Stdout = w.Stdin, w.Stdout
	}
	return cmd
}

// exitStatus returns what a shell would report of a command that Wait waited for with the result err.
func exitStatus(cmd *exec.Cmd, err error) int {
	const failed = 1
	state := cmd.ProcessState
	if state == nil {
		return failed
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	if state.ExitCode() < 0 && err != nil {
		return failed
	}
	return state.ExitCode()
}
