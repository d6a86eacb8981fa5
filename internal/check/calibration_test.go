package check

import (
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/profile"
)

func TestCalibrationMustBeOfThisMachineAndTheseProbes(t *testing.T) {
	cal := profile.Calibration{Runs: 1, Preemptible: true}
	other := Machine()
	other.Kernel = "4.19.0"
	for _, test := range []struct {
		name        string
		of          profile.Machine
		scope       profile.Scope
		preemptible bool
		want        string
	}{
		{"the same", Machine(), profile.ScopeProgram, true, ""},
		{"another kernel", other, profile.ScopeProgram, true, "calibrated on 4.19.0"},
		{"other probes", Machine(), profile.ScopeHook, true, "probes on a program"},
		{"other preemption", Machine(), profile.ScopeProgram, false, "preemption model"},
	} {
		err := fits(cal, test.of, test.scope, test.preemptible)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
