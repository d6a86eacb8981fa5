package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/lsmprof/lsmprof/internal/check"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// calibration reads the calibration of an earlier run from a file, or measures one if file is "". functions says that
// it is needed for functions of the kernel as well.
func calibration(ctx context.Context, file string, functions bool) (profile.Calibration, error) {
	if file == "" {
		return tracer.Calibrate(ctx, tracer.CalibrateOptions{Functions: functions, Logger: slog.Default()})
	}
	f, err := os.Open(file)
	if err != nil {
		return profile.Calibration{}, fmt.Errorf("--calibration: %w", err)
	}
	defer f.Close()
	cal, err := check.ReadCalibration(f)
	if err != nil {
		err = fmt.Errorf("--calibration %s: %w; measure again with `lsmprof check --json` as root", file, err)
	}
	return cal, err
}

// calibrationFlag is --calibration: on, off, or a file.
type calibrationFlag struct{ calibrate, file *string }

func (c *calibrationFlag) Set(s string) error {
	if s == "on" || s == "off" {
		*c.calibrate, *c.file = s, ""
		return nil
	}
	info, err := os.Stat(s)
	switch {
	case err != nil:
		return fmt.Errorf("must be on, off or a file of lsmprof check --json: %w", errors.Unwrap(err))
	case info.IsDir():
		return errors.New("is a directory; must be on, off or a file of lsmprof check --json")
	}
	*c.calibrate, *c.file = "on", s
	return nil
}

func (c *calibrationFlag) Type() string      { return "on|off|FILE" }
func (c *calibrationFlag) Choices() []string { return []string{"on", "off"} }

func (c *calibrationFlag) String() string {
	if c.calibrate == nil {
		return ""
	}
	return cmp.Or(*c.file, *c.calibrate)
}
