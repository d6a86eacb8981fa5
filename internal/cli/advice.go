package cli

import (
	"errors"
	"fmt"

	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// advised returns the text of a warning, with the flag that helps if there is one.
func advised(w profile.Warning) string {
	switch w.Kind {
	case profile.WarnCalibrationShared:
		return w.Text + ": detach that program, calibrate with `lsmprof check --json`, and pass the file to " +
			"--calibration"
	case profile.WarnCountersFull:
		if w.Memory == 0 {
			return w.Text + ". Record with more --memory"
		}
		return fmt.Sprintf("%s. Record with --memory %d", w.Text, w.Memory)
	case profile.WarnStacksLost:
		return w.Text + ": record with a larger --stacks-sample"
	}
	return w.Text
}

// memoryAdvice adds the flag that helps to the error of event buffers that the kernel refused.
func memoryAdvice(err error) error {
	if ring := new(tracer.RingError); errors.As(err, &ring) {
		return fmt.Errorf("%w. Make the buffers smaller with --memory", err)
	}
	return err
}
