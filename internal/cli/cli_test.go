package cli

import (
	"os"
	"os/signal"
	"slices"
	"syscall"
	"testing"
)

func TestHangupEndsACommandExceptUnderNohup(t *testing.T) {
	if !slices.Contains(endSignals(), os.Signal(syscall.SIGHUP)) {
		t.Error("SIGHUP does not end a command")
	}
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	if slices.Contains(endSignals(), os.Signal(syscall.SIGHUP)) {
		t.Error("SIGHUP ends a command although it is ignored")
	}
}
