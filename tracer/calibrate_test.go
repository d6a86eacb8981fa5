package tracer

import (
	"math"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// guestScope returns what probes must be able to sit on in a guest of this release.
func guestScope(t *testing.T) profile.Scope {
	t.Helper()
	r := vmtest.Guest(t)
	scope, err := SupportedScope()
	if err != nil {
		t.Fatal(err)
	}
	want := profile.ScopeHook
	if r.AtLeast(5, 18) {
		want = profile.ScopeProgram
	}
	if scope != want {
		t.Fatalf("scope %v on %v, want %v", scope, r, want)
	}
	return scope
}

func calibrate(t *testing.T, check bool) profile.Calibration {
	t.Helper()
	guestScope(t)
	cal, err := Calibrate(preemptible(check), CalibrateOptions{Sleepable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("preemptible %v: %v", check, cal)
	return cal
}

func TestCalibrateMeasuresEverythingAndLeavesNothing(t *testing.T) {
	guestScope(t)
	// Calibrate must not leave anything to the garbage collector.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before := vmtest.KernelIDs(t)
	cal := calibrate(t, true)
	for name, m := range map[string]profile.Median{
		"bias": cal.Bias, "probe cost": cal.ProbeCost, "dispatch": cal.Dispatch,
		"next dispatch": cal.DispatchNext,
	} {
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
		{first.DispatchNext, again.DispatchNext},
		{first.ProbeCost, again.ProbeCost},
		{first.Dispatch, preemptible.Dispatch},
		{first.DispatchNext, preemptible.DispatchNext},
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
		t.Errorf("probes that check for preemption cost %v, those that do not cost %v",
			preemptible.ProbeCost, again.ProbeCost)
	}
}

// What probes cost does not depend on where the counters of the calibration lie: in a few counters, a fourth of the
// mount namespaces would find theirs taken.
func TestIcountProbesCostTheSameInEveryNamespace(t *testing.T) {
	vmtest.IcountGuest(t)
	guestScope(t)
	m, err := findMachine(preemptible(false))
	if err != nil {
		t.Fatal(err)
	}
	empty, err := attachEmpty()
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	var costs []float64
	for range 8 {
		kernel.OnSpareThread(func() {
			defer stayOnCPU()()
			if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
				t.Error(err)
				return
			}
			_, latencies, err := empty.probed(m, Filter{})
			if err != nil {
				t.Error(err)
				return
			}
			costs = append(costs, median(latencies).Value)
		})
	}
	if slices.Max(costs) > slices.Min(costs)+5 {
		t.Errorf("calls with probes take %.1f instructions", costs)
	}
}

// A program costs the same whichever kind of probe measures it, because each kind has its own bias.
func TestIcountEveryKindOfProbeSeesTheSameCost(t *testing.T) {
	vmtest.IcountGuest(t)
	if guestScope(t) != profile.ScopeProgram {
		t.Skip("before 5.18 there is one kind of probes")
	}
	cal := calibrate(t, true)
	lsmProgram(t, "plain", "task_getpgid", 0, allow()...)
	lsmProgram(t, "sleeps", sleepableHook, sleepable, allow()...)
	record := func(opts Options, kind profile.ProbeKind, hook string, call func()) profile.Cost {
		opts.Calibration = cal
		opts.Select = func(p Program) bool { return p.Hook == hook }
		s, _ := measure(t, opts, func() {
			for range 200 {
				call()
			}
		})
		if s.Programs[0].Probe != kind {
			t.Fatalf("%+v: kind of probe %d, want %d", opts, s.Programs[0].Probe, kind)
		}
		costs, err := s.Costs()
		if err != nil {
			t.Fatal(err)
		}
		return costs.Rows[0]
	}
	// The least of a few short recordings: an interrupt only adds.
	mean := func(opts Options, kind profile.ProbeKind) float64 {
		var means []float64
		for range 5 {
			c := record(opts, kind, "task_getpgid", callGetpgid)
			means = append(means, c.Mean())
		}
		return slices.Min(means)
	}
	plain := mean(Options{}, profile.ProbeEvery)
	t.Logf("plain %.1f, %v", plain, cal)
	for name, opts := range map[string]Options{
		"filtered": {Filter: Filter{MntNS: ownNamespace()}},
		"by pid":   {Filter: Filter{PIDs: []uint32{uint32(os.Getpid())}}},
		"sampled":  {Sample: 4},
	} {
		if got := mean(opts, profile.ProbeSelective); math.Abs(got-plain) > 3 {
			t.Errorf("%s: %.1f, plain %.1f", name, got, plain)
		}
	}
	if cal.BiasSleepable == (profile.Median{}) {
		t.Skip("this machine cannot keep a start with the task")
	}
	// The median, because calls that allocate the task's storage take long. It is as exact as a bucket.
	c := record(Options{}, profile.ProbeSleepable, sleepableHook, callCapget)
	got, want := c.Quantile(0.5), cal.DispatchSleepable.Value
	if math.Abs(got-want) > profile.Tolerance*(want+cal.BiasSleepable.Value) {
		t.Errorf("sleepable: %.1f, want its dispatch of %.1f: its body does nothing", got, want)
	}
}

// A calibration takes a tenth of a second of a real CPU, at a quarter to half a nanosecond per instruction. The rest is
// waiting for the grace periods when the last program leaves a hook.
func TestIcountCalibrationIsShort(t *testing.T) {
	vmtest.IcountGuest(t)
	for i, most := range []time.Duration{800 * time.Millisecond, 500 * time.Millisecond} {
		cpu, began := kernel.CPUTime(), time.Now()
		// As record does if no program is sleepable.
		if _, err := Calibrate(preemptible(false), CalibrateOptions{}); err != nil {
			t.Fatal(err)
		}
		took, waited := kernel.CPUTime()-cpu, time.Since(began)
		waited -= took
		if took > most || waited > 2*time.Second {
			t.Errorf("calibration %d took %d million instructions, want %d at most, and waited %v",
				i, took.Milliseconds(), most.Milliseconds(), waited)
		}
		t.Logf("calibration %d took %d million instructions, and waited %v", i, took.Milliseconds(), waited)
	}
}

// If another program is on the hook, the dispatch of the first program cannot be measured.
func TestIcountCalibrationBesideAnotherProgram(t *testing.T) {
	vmtest.IcountGuest(t)
	alone := calibrate(t, false)
	other, err := attachEmpty()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	cal := calibrate(t, false)
	if guestScope(t) == profile.ScopeHook {
		if cal.Applies() || !strings.Contains(cal.Refused, emptyProgram) {
			t.Errorf("refused %q: the reading of the hook contains that of the other program", cal.Refused)
		}
		return
	}
	if !cal.Applies() || len(cal.Warnings) != 1 || cal.Dispatch != cal.DispatchNext {
		t.Errorf("%v, refused %q, warnings %q", cal, cal.Refused, cal.Warnings)
	}
	for _, m := range [][2]profile.Median{{cal.Bias, alone.Bias}, {cal.DispatchNext, alone.DispatchNext}} {
		if math.Abs(m[0].Value-m[1].Value) > 2 {
			t.Errorf("%v, without the other program %v", cal, alone)
		}
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
