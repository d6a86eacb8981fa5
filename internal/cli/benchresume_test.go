package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// A run that was begun with --profile off goes on without profile runs, unless --profile on adds them.
func TestResumedRunKeepsProfileOff(t *testing.T) {
	onHost(t)
	tests, err := host.BuiltinTests([]string{"pipe"})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	d, err := bench.Create(dir, rundir.Info{
		Machine: bench.ThisMachine(), Enforcer: "reference", Plan: rundir.Plan{
			Order: rundir.Sequential, Runs: 1, Slice: 5e6, Pass: 1e9, NoProfile: true,
			Scenarios: rundir.SameScenarios(2), Tests: tests,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args     []string
		profiles bool
	}{{nil, false}, {[]string{"--profile", "on"}, true}, {[]string{"--profile", "off"}, false}} {
		var out, errs bytes.Buffer
		Main(append([]string{"bench", "--dry-run", "--resume", dir}, c.args...), nil, &out, &errs)
		if !strings.Contains(out.String(), "4 of 4") || strings.Contains(out.String(), "yes") != c.profiles {
			t.Errorf("%q: want profile runs: %v\n%s%s", c.args, c.profiles, &out, &errs)
		}
	}
}

func TestLossesInProgress(t *testing.T) {
	cell := func(loss, half float64, significant bool) *rundir.Cell {
		return &rundir.Cell{
			Loss: loss, CI: stats.Interval{Low: loss - half, High: loss + half}, Rounds: 8,
			Significant: significant,
		}
	}
	for want, c := range map[string]*rundir.Cell{
		"loss 2.00 % (1.00 to 3.00)":                   cell(0.02, 0.01, true),
		"loss ~ 2.00 % (1.00 to 3.00)":                 cell(0.02, 0.01, false),
		"cannot tell a loss: the scores vary too much": cell(-0.53, 0.59, false),
	} {
		if got := lossText(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
