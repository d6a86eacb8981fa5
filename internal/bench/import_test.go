package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/unixbench/score"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func source(t *testing.T, scenario, name string) Source {
	t.Helper()
	data, err := os.ReadFile("../unixbench/score/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	report, err := score.Import(bytes.NewReader(data), "")
	if err != nil {
		t.Fatal(err)
	}
	return Source{scenario, name, data, report}
}

// in makes a run directory.
func in(path string) func(rundir.Info) (*Dir, error) {
	return func(info rundir.Info) (*Dir, error) { return Create(path, info) }
}

// The index is the one that UnixBench printed, to its last digit, whichever of its files is imported.
func TestImportGivesUnixBenchsIndex(t *testing.T) {
	vmtest.Host(t)
	for _, c := range []struct{ run, suffix string }{
		{"run-index-i1", ""}, {"run-index-i1", ".log"}, {"run-i3-c1c2", ""}, {
			"run-i3-c1c2",
			".log",
		}, {"run-i3-c1c2", ".csv"},
	} {
		t.Run(c.run+c.suffix, func(t *testing.T) {
			sources := []Source{source(t, "base", c.run+c.suffix)}
			d, err := Import(rundir.Info{}, sources, in(filepath.Join(t.TempDir(), "run")))
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			printed := source(t, "", c.run).Report
			a := d.Analysis()
			if len(a.Index) != len(printed.Sections) {
				t.Fatalf("%d indexes, %d sections", len(a.Index), len(printed.Sections))
			}
			for i, want := range printed.Sections {
				got := a.Index[i]
				if got.Copies != want.Copies || got.Partial != want.Partial ||
					fmt.Sprintf("%.1f", got.System) != fmt.Sprintf("%.1f", want.System) {
					t.Errorf("%d copies: %.1f, partial %t; UnixBench has %.1f, %t for %d",
						got.Copies, got.System, got.Partial,
						want.System, want.Partial, want.Copies)
				}
				for _, test := range want.Tests {
					if test.Name != "" && fmt.Sprintf("%.1f",
						got.Scores[test.Name]) != fmt.Sprintf("%.1f", test.Score) {
						t.Errorf("%s: %.1f, UnixBench has %.1f", test.Name,
							got.Scores[test.Name], test.Score)
					}
				}
			}
			if _, err := os.Stat(d.File(rundir.RawDir, d.Results()[0].Output)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestImportComparesScenarios(t *testing.T) {
	vmtest.Host(t)
	base, half := source(t, "base", "run-i3-c1c2.log"), source(t, "half", "run-i3-c1c2.log")
	for i := range half.Report.Sections {
		for j := range half.Report.Sections[i].Tests {
			for k := range half.Report.Sections[i].Tests[j].Passes {
				half.Report.Sections[i].Tests[j].Passes[k].Count /= 2
			}
		}
	}
	again := source(t, "base", "run-i3-c1c2.log")
	for i := range again.Report.Sections {
		again.Report.Sections[i].Tests[0].Passes[0].Count++
	}
	path := filepath.Join(t.TempDir(), "run")
	d, err := Import(rundir.Info{}, []Source{base, half, again}, in(path))
	if err != nil {
		t.Fatal(err)
	}
	passes := len(base.Report.Sections[0].Tests[0].Passes)
	for _, c := range d.Analysis().Cells {
		want := map[string]int{"base": 2 * passes, "half": passes}[c.Scenario]
		if c.Test == d.Info.Plan.Tests[0].Name && c.Rounds != want {
			t.Errorf("%s under %s: %d rounds, want %d", c.Test, c.Scenario, c.Rounds, want)
		}
		if c.Scenario == "half" && (c.MeanLoss < 0.49 || c.MeanLoss > 0.51) {
			t.Errorf("%s lost %.1f %%", c.Test, 100*c.MeanLoss)
		}
	}
	d.Close()
	if d, err = Open(path); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b, _ := fakeBench(t, d)
	if err := b.Run(context.Background()); err == nil {
		t.Error("an imported run was continued")
	}
}
