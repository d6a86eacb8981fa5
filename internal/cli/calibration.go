package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// calibration reads the calibration of an earlier run from a file, or measures one if file is "". functions says that
// it is needed for functions of the kernel as well.
func calibration(ctx context.Context, file string, functions bool) (profile.Calibration, error) {
	if file == "" {
		return tracer.Calibrate(ctx, tracer.CalibrateOptions{Functions: functions, Logger: slog.Default()})
	}
	scope, err := tracer.SupportedScope()
	if err != nil {
		return profile.Calibration{}, err
	}
	f, err := os.Open(file)
	if err != nil {
		return profile.Calibration{}, fmt.Errorf("--calibration: %w", err)
	}
	defer f.Close()
	cal, of, err := profile.ReadCalibration(f)
	if err != nil {
		return profile.Calibration{}, fmt.Errorf("--calibration %s: %w; give a file that `lsmprof check "+
			"--json` wrote as root", file, err)
	}
	if err := fits(cal, of, scope, kernel.Preempts()); err != nil {
		return profile.Calibration{},
			fmt.Errorf("--calibration %s: %w; measure again with `lsmprof check --json`", file, err)
	}
	return cal, nil
}

// fits returns an error if a calibration does not hold for this machine, or for the probes that are used now.
func fits(cal profile.Calibration, of profile.Machine, scope profile.Scope, preemptible bool) error {
	here := machine()
	of.Host, here.Host = "", "" // other machines of a kind have the same costs
	switch {
	case of != here:
		return fmt.Errorf("calibrated on %s with %d × %s, but this is %s with %d × %s",
			of.Kernel, of.CPUs, of.CPU, here.Kernel, here.CPUs, here.CPU)
	case cal.Scope != scope:
		return fmt.Errorf("calibrated for probes on a %s, but these are on a %s", cal.Scope, scope)
	case cal.Preemptible != preemptible:
		return errors.New("the kernel's preemption model has changed since")
	}
	return nil
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
