package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestHangupEndsACommandExceptUnderNohup(t *testing.T) {
	obeyHangup(t)
	if !slices.Contains(endSignals(), os.Signal(syscall.SIGHUP)) {
		t.Error("SIGHUP does not end a command")
	}
	signal.Ignore(syscall.SIGHUP)
	defer obeyHangup(t) // Reset would leave it ignored
	if slices.Contains(endSignals(), os.Signal(syscall.SIGHUP)) {
		t.Error("SIGHUP ends a command although it is ignored")
	}
}

// obeyHangup makes commands that the test starts obey SIGHUP, even if the tests themselves run under nohup.
func obeyHangup(t *testing.T) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(c) })
}

// A signal while lsmprof attaches ends in one plain line, and no other error is hidden by a signal.
func TestInterruptionInWords(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	canceled := fmt.Errorf("calibrate: %w", errors.Join(context.Canceled, context.Canceled))
	if got := inWords(ctx, canceled); got != canceled {
		t.Errorf("without a signal: %v", got)
	}
	cancel()
	if got := inWords(ctx, canceled).Error(); got != "interrupted before there was anything to write" {
		t.Errorf("after a signal: %s", got)
	}
	if got := inWords(ctx, os.ErrPermission); got != os.ErrPermission {
		t.Errorf("another error after a signal: %v", got)
	}
}

// An error may repeat what a file, a process or a server says.
func TestErrorsAreOnlyText(t *testing.T) {
	onHost(t)
	_, _, stderr := runReport("nowhere\x1b[2J\xff")
	if !strings.HasPrefix(stderr, "lsmprof: ") || !strings.Contains(stderr, "nowhere?[2J?") ||
		strings.Contains(stderr, "\x1b") {
		t.Errorf("%q", stderr)
	}
}
