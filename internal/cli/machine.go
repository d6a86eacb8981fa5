package cli

import (
	"errors"
	"fmt"

	"github.com/lsmprof/lsmprof/tracer"
)

// classify gives errors that this machine cannot avoid an exit code of their own.
func classify(err error) error {
	if errors.Is(err, tracer.ErrUnsupported) {
		return unsupportedError{fmt.Errorf("%w; `lsmprof check` says more", err)}
	}
	return err
}
