package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

func TestCalibrationMustBeOfThisMachineAndTheseProbes(t *testing.T) {
	cal := profile.Calibration{Runs: 1, Preemptible: true}
	other := machine()
	other.Kernel = "4.19.0"
	for _, test := range []struct {
		name        string
		of          profile.Machine
		scope       profile.Scope
		preemptible bool
		want        string
	}{
		{"the same", machine(), profile.ScopeProgram, true, ""},
		{"another kernel", other, profile.ScopeProgram, true, "it is of 4.19.0"},
		{"other probes", machine(), profile.ScopeHook, true, "probes on a program"},
		{"other preemption", machine(), profile.ScopeProgram, false, "preemption model"},
	} {
		err := fits(cal, test.of, test.scope, test.preemptible)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestRecordReusesTheCalibrationOfCheckAndOfRecord(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	startReference(t, nil)
	lsmprof := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := Main(args, nil, &out, &errs); code != 0 {
			t.Fatalf("%v: exit status %d: %s", args, code, &errs)
		}
		return out.String()
	}
	record := []string{"record", "-o", "json", "--output", "-", "-d", "10ms"}
	for _, first := range []string{lsmprof("check", "-o", "json"), lsmprof(record...)} {
		reuse(t, first, func(file string) string { return lsmprof(append(record, "--calibration", file)...) })
	}
}

// reuse compares the calibration in what was printed first with that in what record prints when it is given the first.
func reuse(t *testing.T, first string, record func(file string) string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "earlier.json")
	if err := os.WriteFile(file, []byte(first), 0o644); err != nil {
		t.Fatal(err)
	}
	earlier, _, err := profile.ReadCalibration(strings.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	reused, _, err := profile.ReadCalibration(strings.NewReader(record(file)))
	if err != nil || reused.Bias != earlier.Bias || reused.Dispatch != earlier.Dispatch {
		t.Errorf("got %v, %v; want %v", reused, err, earlier)
	}
}

func TestCheckSaysWhatTheCalibrationIsGoodFor(t *testing.T) {
	good := profile.Calibration{Runs: 400, Bias: profile.Median{Value: 80, Spread: 1}}
	refused, beside := good, good
	refused.Refused, beside.Warnings = "too wide", []profile.Warning{{Text: "somebody else is there"}}
	for _, test := range []struct {
		cal    profile.Calibration
		err    error
		state  checkState
		reason string
	}{
		{good, nil, stateOK, ""},
		{refused, nil, stateWarn, "too wide"},
		{beside, nil, stateWarn, "somebody else"},
		{profile.Calibration{}, os.ErrPermission, stateWarn, "permission"},
	} {
		f := goodFacts()
		f.calibration, f.calibrationErr = test.cal, test.err
		items := judge(f)
		i := items[len(items)-2]
		if i.Name != "calibration" || i.State != test.state || !strings.Contains(i.Reason, test.reason) {
			t.Errorf("%+v, want %s %q", i, test.state, test.reason)
		}
	}
}
