package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// A difference that is significant in its own run need not be among all runs.
func TestBaselinesAreJudgedAloneAndTogether(t *testing.T) {
	var files []string
	for i, p := range []float64{0.01, 0.5, 0.9, 0.7} {
		a := rundir.Analysis{Cells: []rundir.Cell{
			{
				Test: "a", Scenario: rundir.SecondBaselineName, P: p, Loss: 0.001,
				CI: stats.Interval{Low: 0.0005, High: 1},
			},
			{
				Test: "b", Scenario: rundir.SecondBaselineName, P: 0.8, Loss: -0.002,
				CI: stats.Interval{Low: -1, High: 1},
			},
			{Test: "a", Scenario: "rules=1", P: 1e-9, Loss: 0.5},
		}}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(t.TempDir(), fmt.Sprintf("%d.json", i)))
		if err := os.WriteFile(files[i], text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run(files, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		files[0] + ": the smallest corrected p is 0.020 (a, +0.100 %)",
		files[1] + ": the smallest corrected p is 1.000 (a, +0.100 %)",
		"a          mean of 4 runs +0.1000 % ± 0.0000",
		"judged alone, 1 of 4 runs differ (0.2 are expected of equal baselines)",
		"4 of 8 intervals do not hold 0",
		"judged together, the smallest corrected p is 0.080 (a, +0.100 %)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if err := run(nil, &out); err == nil {
		t.Error("no run is no error")
	}
}
