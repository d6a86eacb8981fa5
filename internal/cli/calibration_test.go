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
		{"another kernel", other, profile.ScopeProgram, true, "calibrated on 4.19.0"},
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
	record := []string{"record", "--json", "--output", "-", "-d", "10ms"}
	for _, first := range []string{lsmprof("check", "--json"), lsmprof(record...)} {
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
