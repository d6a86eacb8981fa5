package cli

import (
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

var aaBenches = flag.Int("aa", 0, "number of benches of identical scenarios that TestAA runs; make aa runs 20")

// aaLimits are the half widths that 95 % intervals of losses must have after a minute of each test on a quiet machine.
var aaLimits = map[string]float64{
	"syscall": 0.005, "pipe": 0.005, "fstime": 0.005, "openclose": 0.005, "execl": 0.01,
	"spawn": 0.01,
}

const aaTests = "syscall,pipe,fstime,openclose,execl,spawn"

// Scenarios that do not differ show how narrow intervals get within a minute, and how often a bench raises a false
// alarm. The test needs neither an enforcer nor a guest, but 15 minutes of a quiet machine: run `make aa`.
func TestAA(t *testing.T) {
	if *aaBenches == 0 {
		t.Skip("needs 15 minutes of a quiet machine: run make aa")
	}
	needRoot(t)
	t.Run("intervals", func(t *testing.T) {
		// Slices take 62 ms: 14 runs are about a minute of each test.
		for _, c := range aaBench(t, "--runs", "14") {
			verdict := ""
			if c.Scenario == rundir.SecondBaselineName {
				verdict = " (the second baseline)"
			} else if c.CI.Half() > aaLimits[c.Test] {
				verdict = ": too wide"
				t.Errorf("%s: ±%.2f %%, want ±%.2f %%", c.Test, 100*c.CI.Half(), 100*aaLimits[c.Test])
			}
			t.Logf("%-9s %+.2f %% ±%.2f, %d of %d rounds busy%s", c.Test, 100*c.Loss, 100*c.CI.Half(),
				c.Busy, c.Rounds, verdict)
		}
	})
	t.Run("false alarms", func(t *testing.T) {
		cells, significant, small := 0, 0, 0
		for i := range *aaBenches {
			for _, c := range aaBench(t, "--runs", "3", "--slice", "12ms", "--seed", fmt.Sprint(i+1)) {
				if c.Scenario == rundir.SecondBaselineName {
					continue // the others are compared with it
				}
				cells++
				if c.P < 0.05 {
					small++
				}
				if c.Significant {
					significant++
					t.Logf("bench %d: %s under %s lost %.2f %% ±%.2f, p %.4f", i+1, c.Test,
						c.Scenario, 100*c.Loss, 100*c.CI.Half(), c.P)
				}
			}
		}
		t.Logf("%d of %d cells are significant; p alone is below 0.05 in %d cells, %.0f are expected by chance",
			significant, cells, small, 0.05*float64(cells))
		if float64(significant) > 0.05*float64(cells) {
			t.Errorf("%d of %d cells are false alarms, want at most 5 %%", significant, cells)
		}
	})
}

// aaBench returns the cells of a bench without those of the baseline.
func aaBench(t *testing.T, args ...string) []rundir.Cell {
	t.Helper()
	args = append([]string{
		"--enforcer", "none", "--same", "2", "--tests", aaTests, "--dir",
		filepath.Join(t.TempDir(), "run"), "-o", "json",
	}, args...)
	out, _ := runBench(t, 0, args...)
	var doc struct{ Cells []rundir.Cell }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	var others []rundir.Cell
	for _, c := range doc.Cells {
		if c.Scenario != "baseline" {
			others = append(others, c)
		}
	}
	return others
}
