package serve

import (
	"context"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// Attempts to calibrate, and the pause between them.
const (
	calibrations     = 5
	calibrationPause = 2 * time.Second
)

// CalibrateWhenQuiet calls calibrate until its result is not refused, at most five times. A server keeps its
// calibration for its whole life, and it often starts while the node is busy starting everything else. The error is
// that of calibrate or of ctx.
func CalibrateWhenQuiet(
	ctx context.Context, calibrate func(context.Context) (profile.Calibration, error),
) (profile.Calibration, error) {
	for i := 1; ; i++ {
		cal, err := calibrate(ctx)
		if err != nil || cal.Refused == "" || i == calibrations {
			return cal, err
		}
		select {
		case <-ctx.Done():
			return cal, ctx.Err()
		case <-time.After(calibrationPause):
		}
	}
}
