package cli

import "github.com/lsmprof/lsmprof/profile"

// advised returns the text of a warning and, where a flag helps, which one.
func advised(w profile.Warning) string {
	switch w.Kind {
	case profile.WarnCalibrationShared:
		return w.Text + ": detach that program, calibrate with `lsmprof check -o json`, and pass the file to --calibration"
	case profile.WarnCountersFull:
		return w.Text + ": record with more --memory"
	case profile.WarnStacksLost:
		return w.Text + ": record with a larger --stacks-sample"
	}
	return w.Text
}
