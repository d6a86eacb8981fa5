package cli

import (
	"os"
	"os/signal"
	"slices"
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
