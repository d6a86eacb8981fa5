package cli

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

var (
	aaBenches = flag.Int("aa", 0, "number of benches of identical scenarios that TestAA runs; make aa runs 20")
	aaFile    = flag.String("aa-file", "",
		"file with a line for each bench that TestAA has run: it runs those that are missing, and nothing else")
)

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
	if *aaFile == "" {
		t.Run("intervals", aaIntervals)
	}
	t.Run("false alarms", aaFalseAlarms)
}

func aaIntervals(t *testing.T) {
	// Slices take 62 ms: 14 runs are about a minute of each test.
	for _, c := range aaBench(t, "--tests", aaTests, "--same", "2", "--runs", "14") {
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
}

// aaResult is what a bench of identical scenarios said. A bench with any significant cell is a false alarm.
type aaResult struct {
	Seed        int     `json:"seed"`
	Cells       int     `json:"cells"`
	Small       int     `json:"small"` // cells with an uncorrected p below 0.05
	Significant int     `json:"significant"`
	Busy        float64 `json:"busy"` // share of the rounds
}

// aaFalseAlarms runs the benches that the file lacks, and judges all of them.
func aaFalseAlarms(t *testing.T) {
	done := map[int]aaResult{}
	if *aaFile != "" {
		text, err := os.ReadFile(*aaFile)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var r aaResult
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatalf("%s: %v", *aaFile, err)
			}
			done[r.Seed] = r
		}
	}
	for seed := 1; seed <= *aaBenches; seed++ {
		if _, ok := done[seed]; !ok {
			done[seed] = aaShort(t, seed)
			appendLine(t, *aaFile, done[seed])
		}
	}
	var cells, small, alarms int
	busy := 0.0
	for _, r := range done {
		cells, small, busy = cells+r.Cells, small+r.Small, busy+r.Busy/float64(len(done))
		if r.Significant > 0 {
			alarms++
		}
	}
	t.Logf("%d of %d benches with a false alarm, %.0f %% of rounds busy; p alone is below 0.05 in %d of %d cells, "+
		"%.0f are expected by chance", alarms, len(done), 100*busy, small, cells, 0.05*float64(cells))
	n := float64(len(done))
	if most := 0.05*n + 3*math.Sqrt(0.05*0.95*n); float64(alarms) > most {
		t.Errorf("%d of %d benches raise a false alarm, want 5 %%, give or take three standard errors", alarms,
			len(done))
	}
}

// aaShort is a bench of identical scenarios, as short as one can be that may call a loss significant.
func aaShort(t *testing.T, seed int) aaResult {
	t.Helper()
	r, rounds := aaResult{Seed: seed}, 0
	for _, c := range aaBench(t, "--tests", "syscall,pipe,openclose,execl", "--same", "4", "--runs", "3", "--slice",
		"5ms",
		"--warmup", "1ms", "--profile", "off", "--seed", fmt.Sprint(seed)) {
		if c.Scenario == rundir.SecondBaselineName {
			continue // the others are compared with it
		}
		r.Cells, r.Busy, rounds = r.Cells+1, r.Busy+float64(c.Busy), rounds+c.Rounds
		if c.P < 0.05 {
			r.Small++
		}
		if c.Significant {
			r.Significant++
			t.Logf("bench %d: %s under %s lost %.2f %% ±%.2f, p %.4f", seed, c.Test, c.Scenario, 100*c.Loss,
				100*c.CI.Half(), c.P)
		}
	}
	r.Busy /= float64(max(rounds, 1))
	return r
}

// appendLine adds a line of JSON to a file, if there is one.
func appendLine(t *testing.T, path string, v any) {
	t.Helper()
	if path == "" {
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// aaBench returns the cells of a bench without those of the baseline.
func aaBench(t *testing.T, args ...string) []rundir.Cell {
	t.Helper()
	out, _ := runBench(t, 0, append([]string{
		"--enforcer", "none", "--dir", filepath.Join(t.TempDir(), "run"), "-o", "json",
	}, args...)...)
	var doc struct{ Cells []rundir.Cell }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(doc.Cells, func(c rundir.Cell) bool { return c.Scenario == "baseline" })
}
