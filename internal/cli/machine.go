package cli

import (
	"errors"

	"github.com/lsmprof/lsmprof/tracer"
)

// classify gives errors of the tracer the exit code for machines that cannot do it.
func classify(err error) error {
	if errors.Is(err, tracer.ErrUnsupported) {
		return unsupportedError{err}
	}
	return err
}
