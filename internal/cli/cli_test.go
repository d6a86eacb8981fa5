package cli

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
)

func TestHangupEndsACommandExceptUnderNohup(t *testing.T) {
	// The tests themselves may run under nohup, which Notify undoes.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	if !slices.Contains(endSignals(), os.Signal(syscall.SIGHUP)) {
		t.Error("SIGHUP does not end a command")
	}
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	if slices.Contains(endSignals(), os.Signal(syscall.SIGHUP)) {
		t.Error("SIGHUP ends a command although it is ignored")
	}
}
