package check

import (
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// Machine describes this machine, without its name.
func Machine() profile.Machine {
	release, _, err := kernel.Uname()
	if err != nil {
		release = "unknown"
	}
	return profile.Machine{Kernel: release, Arch: runtime.GOARCH, CPU: kernel.CPUModel(), CPUs: runtime.NumCPU()}
}

// ReadCalibration reads a calibration that `lsmprof check --json` or `lsmprof record --json` printed. It fails if the
// calibration does not hold for this machine, or for the probes that are used now.
func ReadCalibration(r io.Reader) (profile.Calibration, error) {
	scope, err := tracer.SupportedScope()
	if err != nil {
		return profile.Calibration{}, err
	}
	cal, of, err := profile.ReadCalibration(r)
	if err != nil {
		return cal, err
	}
	return cal, fits(cal, of, scope, kernel.Preempts())
}

func fits(cal profile.Calibration, of profile.Machine, scope profile.Scope, preemptible bool) error {
	here := Machine()
	of.Host = "" // other machines of a kind have the same costs
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
