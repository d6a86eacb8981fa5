package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// calibration measures, or takes an earlier one from a file where one is given.
func calibration(ctx context.Context, file string) (profile.Calibration, error) {
	if file == "" {
		return tracer.Calibrate(ctx, tracer.CalibrateOptions{Logger: slog.Default()})
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
		return profile.Calibration{}, fmt.Errorf("--calibration %s: %w. Give what `lsmprof check -o json` printed as root.", file, err)
	}
	if err := fits(cal, of, scope, kernel.Preempts()); err != nil {
		return profile.Calibration{}, fmt.Errorf("--calibration %s: %w", file, err)
	}
	return cal, nil
}

// fits says whether a calibration of a machine is one of this machine, with the probes that are used now.
func fits(cal profile.Calibration, of profile.Machine, scope profile.Scope, preemptible bool) error {
	const anew = "; measure one here with `lsmprof check -o json`"
	here := machine()
	switch {
	case of != here:
		return fmt.Errorf("it is of %s on %d x %s, this is %s on %d x %s"+anew, of.Kernel, of.CPUs, of.CPU, here.Kernel, here.CPUs, here.CPU)
	case cal.Scope != scope:
		return fmt.Errorf("it is of probes on a %s, these are on a %s"+anew, cal.Scope, scope)
	case cal.Preemptible != preemptible:
		return fmt.Errorf("the kernel's preemption model has changed since" + anew)
	}
	return nil
}

// judgeCalibration says what was measured of lsmprof itself, and whether record would apply it.
func judgeCalibration(f machineFacts) checkItem {
	if f.calibrationErr != nil {
		return ok("calibration", "failed").warn(f.calibrationErr.Error(), "lsmprof record --calibrate=off does without")
	}
	i := ok("calibration", f.calibration.String())
	switch {
	case f.calibration.Refused != "":
		return i.warn(f.calibration.Refused, "until then lsmprof record reports plain readings")
	case len(f.calibration.Warnings) > 0:
		var texts []string
		for _, w := range f.calibration.Warnings {
			texts = append(texts, advised(w))
		}
		return i.warn(strings.Join(texts, "; "), "")
	}
	return i
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
