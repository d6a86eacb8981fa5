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
