package tracer

import (
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// scopeOf is what probes must be able to sit on in a guest of this release.
func scopeOf(t *testing.T) profile.Scope {
	r := vmtest.Guest(t)
	scope, err := ScopeHere()
	if err != nil {
		t.Fatal(err)
	}
	if want := map[bool]profile.Scope{true: profile.ScopeProgram, false: profile.ScopeHook}[r.AtLeast(5, 18)]; scope != want {
		t.Fatalf("scope %v on %v, want %v", scope, r, want)
	}
	return scope
}

func calibrate(t *testing.T, preemptible bool) profile.Calibration {
	t.Helper()
	cal, err := Calibrate(scopeOf(t), preemptible)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("preemptible %v: %v", preemptible, cal)
	return cal
}

func TestCalibrateMeasuresEverythingAndLeavesNothing(t *testing.T) {
	scopeOf(t)
	// Nothing may be left to the garbage collector, which comes by when it likes.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before := vmtest.KernelIDs(t)
	cal := calibrate(t, true)
	for name, m := range map[string]profile.Median{"bias": cal.Bias, "dispatch": cal.Dispatch, "further": cal.Further, "probe cost": cal.ProbeCost} {
		if m.Value < 0 || m.Spread < 0 {
			t.Errorf("%s %v is negative", name, m)
		}
	}
	vmtest.NothingNew(t, before)
}

func TestIcountCalibrationRepeats(t *testing.T) {
	vmtest.IcountGuest(t)
	first, again, preemptible := calibrate(t, false), calibrate(t, false), calibrate(t, true)
	for _, m := range [][2]profile.Median{
		{first.Bias, again.Bias},
		{first.Dispatch, again.Dispatch},
		{first.Further, again.Further},
		{first.ProbeCost, again.ProbeCost},
		{first.Dispatch, preemptible.Dispatch},
		{first.Further, preemptible.Further},
	} {
		if d := math.Abs(m[0].Value - m[1].Value); d > 2 {
			t.Errorf("%v, then %v", m[0], m[1])
		}
	}
	for _, cal := range []profile.Calibration{first, again, preemptible} {
		if !cal.Applies() || len(cal.Warnings) > 0 {
			t.Errorf("refused %q, warnings %q", cal.Refused, cal.Warnings)
		}
	}
	if again.ProbeCost.Value > preemptible.ProbeCost.Value {
		t.Errorf("probes that look for preemption cost %v, those that do not %v", preemptible.ProbeCost, again.ProbeCost)
	}
}

// Where an enforcer is on the hook, the first program's dispatch is not to be had.
func TestIcountCalibrationBesideAnotherProgram(t *testing.T) {
	vmtest.IcountGuest(t)
	alone := calibrate(t, false)
	other, err := attachEmpty()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	cal := calibrate(t, false)
	if scopeOf(t) == profile.ScopeHook {
		if cal.Applies() || !strings.Contains(cal.Refused, emptyProgram) {
			t.Errorf("refused %q: the reading of the hook contains that of the other program", cal.Refused)
		}
		return
	}
	if !cal.Applies() || len(cal.Warnings) != 1 || cal.Dispatch != cal.Further {
		t.Errorf("%v, refused %q, warnings %q", cal, cal.Refused, cal.Warnings)
	}
	if math.Abs(cal.Bias.Value-alone.Bias.Value) > 2 || math.Abs(cal.Further.Value-alone.Further.Value) > 2 {
		t.Errorf("%v, alone %v", cal, alone)
	}
}

func TestMedianIgnoresInterruptedBatches(t *testing.T) {
	xs := make([]float64, 0, 100)
	for i := range 100 {
		xs = append(xs, 100+float64(i%3))
	}
	for i := range 20 {
		xs[5*i] = 1e6
	}
	if m := median(xs); m.Value != 101 || m.Spread > 2 {
		t.Errorf("%v", m)
	}
}

func TestDifferenceOfLatenciesIsNeverNegative(t *testing.T) {
	if m := less([]float64{9, 10, 11}, []float64{12, 13, 14}); m.Value != 0 || m.Spread != 4 {
		t.Errorf("%v", m)
	}
}
