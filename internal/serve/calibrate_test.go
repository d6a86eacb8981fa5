package serve

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

func TestCalibrationIsRepeatedWhileTheNodeIsBusy(t *testing.T) {
	broken := errors.New("no probes")
	for _, test := range []struct {
		name     string
		refused  int // attempts
		fails    error
		attempts int
		waited   time.Duration
		result   string
	}{
		{"quiet", 0, nil, 1, 0, ""},
		{"busy twice", 2, nil, 3, 4 * time.Second, ""},
		{"always busy", 100, nil, 5, 8 * time.Second, "too wide"},
		{"cannot calibrate", 100, broken, 1, 0, "too wide"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts, start := 0, time.Now()
				calibrate := func(context.Context) (cal profile.Calibration, err error) {
					if attempts++; attempts <= test.refused {
						cal.Refused = "too wide"
					}
					return cal, test.fails
				}
				cal, err := CalibrateWhenQuiet(t.Context(), calibrate)
				if !errors.Is(err, test.fails) {
					t.Errorf("error: %v", err)
				}
				if cal.Refused != test.result || attempts != test.attempts {
					t.Errorf("%d attempts, refused: %q", attempts, cal.Refused)
				}
				if waited := time.Since(start); waited != test.waited {
					t.Errorf("waited %v, want %v", waited, test.waited)
				}
			})
		})
	}
}

func TestInterruptedServerCalibratesNoMore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := CalibrateWhenQuiet(ctx, func(context.Context) (profile.Calibration, error) {
		cancel()
		return profile.Calibration{Refused: "too wide"}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
