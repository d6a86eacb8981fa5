package cli

import (
	"errors"
	"fmt"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/tracer"
)

// Exit codes. exitStatuses describes them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnsupported = 3
	exitRegression  = 4
)

func exitStatuses() []cmdline.Exit {
	return []cmdline.Exit{
		{Status: exitOK, Meaning: "Success."},
		{Status: exitFailed, Meaning: "Something failed; the last line of stderr says what."},
		{Status: exitUsage, Meaning: "The command line is wrong."},
		{Status: exitUnsupported, Meaning: "This machine cannot do it; `lsmprof check` says why."},
		{Status: exitRegression, Meaning: "A loss is larger than --fail-over."},
	}
}

// usageError is a mistake in the command line. The exit code is exitUsage.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// unsupportedError means that this machine cannot do what the user wants. The exit code is exitUnsupported.
type unsupportedError struct{ err error }

func (e unsupportedError) Error() string { return e.err.Error() }
func (e unsupportedError) Unwrap() error { return e.err }

// exitError is an exit status whose cause was printed already: that of a command that lsmprof ran, for example.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// classify wraps an error that only another machine would avoid in an unsupportedError.
func classify(err error) error {
	if errors.Is(err, tracer.ErrUnsupported) {
		return unsupportedError{fmt.Errorf("%w; `lsmprof check` says more", err)}
	}
	return err
}
