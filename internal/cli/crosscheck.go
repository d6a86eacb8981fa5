package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/ownns"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// longestCrossCheck limits the second pass if the user gives no duration for it.
const longestCrossCheck = 5 * time.Second

// crossCheckFlag is the value of --cross-check or --cross-check=DURATION.
type crossCheckFlag struct {
	on       bool
	duration time.Duration // 0: the user gave none
}

// bareCrossCheck is the value of --cross-check without a duration.
const bareCrossCheck = "auto"

func (c *crossCheckFlag) Set(value string) error {
	c.on = true
	if value == bareCrossCheck {
		return nil
	}
	return cmdline.Duration(&c.duration, cmdline.Positive).Set(value)
}

func (c *crossCheckFlag) String() string { return "" }
func (c *crossCheckFlag) Type() string   { return "DURATION" }

func (o *recordOptions) validateCrossCheck() error {
	switch {
	case !o.crossCheck.on:
	case len(o.command) > 0 && o.crossCheck.duration > 0:
		return errors.New(
			"--cross-check=DURATION with a command: the command runs again to its end; omit DURATION")
	case len(o.command) == 0 && o.duration == 0:
		return errors.New("--cross-check needs a recording that ends by itself: give --duration or a command")
	case o.selectsProcesses():
		return errors.New("--cross-check with a filter on processes or containers: bpf_stats counts every call")
	}
	return nil
}

// checkAcross adds the second pass to snap. The probes must be detached.
func (o *recordOptions) checkAcross(ctx context.Context, std streams, snap *profile.Snapshot) error {
	if !o.crossCheck.on {
		return nil
	}
	if ctx.Err() != nil {
		snap.Warnings = append(snap.Warnings,
			profile.Warning{Text: "no cross-check was made: the recording was interrupted"})
		return nil
	}
	do := o.waitAgain
	if len(o.command) > 0 {
		do = o.runAgain
	}
	status := 0
	c, err := tracer.CrossCheck(*snap, func() (err error) {
		status, err = do(ctx, std)
		return err
	})
	if err != nil {
		return err
	}
	c.Rerun = len(o.command) > 0
	snap.CrossCheck = c
	if status != 0 {
		snap.Warnings = append(snap.Warnings, profile.Warning{
			Text: fmt.Sprintf("cross-check: the command ended with status %d when it ran again", status),
		})
	}
	if ctx.Err() != nil {
		snap.Warnings = append(snap.Warnings,
			profile.Warning{Text: "cross-check: the second pass was interrupted"})
	}
	return nil
}

func (o *recordOptions) waitAgain(ctx context.Context, std streams) (int, error) {
	d := cmp.Or(o.crossCheck.duration, min(o.duration, longestCrossCheck))
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	defer showRecording(ctx, std, d)()
	<-ctx.Done()
	return 0, nil
}

// runAgain runs the command a second time, without input, which the first run has read, and without its output, which
// the first run has printed.
func (o *recordOptions) runAgain(ctx context.Context, std streams) (status int, err error) {
	cmd := o.newCommand(ctx)
	cmd.Stderr = std.err
	err = ownns.Run(cmd)
	if cmd.ProcessState == nil {
		return 0, fmt.Errorf("run %s again: %w", o.command[0], err)
	}
	return exitStatus(cmd.ProcessState, err), nil
}

// newCommand returns the command to record. When ctx is done it gets a SIGTERM and 5 s to end: a command that hangs
// must not keep the profile from being written.
func (o *recordOptions) newCommand(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, o.command[0], o.command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}
