package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/lsmprof/lsmprof/internal/ownns"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// run runs a command to its end. If the time is over or ctx ends, it kills the command's process group.
func run(ctx context.Context, s *rundir.Step, what string, env ...string) error {
	if s == nil || s.Run == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", s.Run)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := ownns.Run(cmd)
	if err == nil {
		return nil
	}
	if ctx.Err() == context.DeadlineExceeded {
		err = fmt.Errorf("still running after %s, killed", s.Timeout)
	}
	if tail := lastLine(out.String()); tail != "" {
		return fmt.Errorf("%s: %w: %s", what, err, text.Printable(tail))
	}
	return fmt.Errorf("%s: %w: %s", what, err, s.Run)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
