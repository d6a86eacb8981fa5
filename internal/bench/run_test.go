package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

func fakeBench(t *testing.T, d *Dir) (*Bench, *fakeSuite) {
	t.Helper()
	f := newFakeSuite()
	return &Bench{
		Dir: d, Suites: map[rundir.Kind]Suite{
			rundir.BuiltIn: f,
			rundir.Command: f,
		}, Enforcer: f.enforcer, Now: f.now,
		Watch: func([]int) func() rundir.Interference { return f.watched },
	}, f
}

func newDir(t *testing.T, p rundir.Plan) *Dir {
	t.Helper()
	d, err := Create(filepath.Join(t.TempDir(), "run"), rundir.Info{Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// reopenAndFinish closes a run directory, opens it again as another process would, and runs what is left.
func reopenAndFinish(t *testing.T, d *Dir) *Dir {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	b, _ := fakeBench(t, d)
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d
}

func shortPlan() rundir.Plan {
	p := testPlan()
	p.Runs, p.Tests = 3, p.Tests[:2]
	return p
}

func TestALossIsFound(t *testing.T) {
	d := newDir(t, shortPlan())
	defer d.Close()
	b, f := fakeBench(t, d)
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if *f.open != 0 || f.enforcer.closed != 1 {
		t.Errorf("%d copies left, enforcer closed %d times", *f.open, f.enforcer.closed)
	}
	if err := d.Save(); err != nil {
		t.Fatal(err)
	}
	for _, c := range d.Analysis().Cells {
		switch c.Scenario {
		case "not-installed":
		case rundir.SecondBaselineName:
			if c.Significant || !c.CI.Contains(0) {
				t.Errorf("second baseline of %s: %.2f %% %+v", c.Test, 100*c.Loss, c.CI)
			}
		default:
			if !c.Significant || c.Loss < 0.09 || c.Loss > 0.11 || !c.CI.Contains(c.Loss) {
				t.Errorf("%s under %s: loss %.2f %% %+v, p %g", c.Test, c.Scenario, 100*c.Loss, c.CI,
					c.Adjusted)
			}
		}
	}
	text, err := os.ReadFile(d.File(rundir.BenchFile))
	if err != nil || !strings.Contains(string(text), "BenchmarkA/scenario=rules=8 ") {
		t.Errorf("%v: %s", err, text)
	}
}

// cutAfter ends a bench in its n-th slice.
func cutAfter(f *fakeSuite, n int, cut func() error) {
	f.after = func() error {
		if n--; n == 0 {
			return cut()
		}
		return nil
	}
}

func TestResumeRepeatsOnlyWhatWasCut(t *testing.T) {
	d := newDir(t, shortPlan())
	b, f := fakeBench(t, d)
	ctx, cancel := context.WithCancel(context.Background())
	cutAfter(f, 400, func() error { cancel(); return nil })
	if err := b.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if *f.open != 0 || f.enforcer.closed != 1 {
		t.Errorf("%d copies left, enforcer closed %d times", *f.open, f.enforcer.closed)
	}
	done := len(d.Results())
	if done == 0 {
		t.Fatal("nothing was written before the end")
	}
	before, _ := os.ReadFile(d.File(rundir.ResultsFile))
	d = reopenAndFinish(t, d)
	after, _ := os.ReadFile(d.File(rundir.ResultsFile))
	if !bytes.HasPrefix(after, before) {
		t.Error("results of the first bench have changed")
	}
	want := len(d.Info.Plan.Scenarios) * 2 * d.Info.Plan.Rounds(d.Info.Plan.Tests[0])
	if got := bytes.Count(after, []byte("\n")); got != want || len(d.Results()) != want {
		t.Errorf("%d lines, %d results, want %d: rounds were repeated or left out", got, len(d.Results()), want)
	}
	// A third bench has nothing left to do.
	b, f = fakeBench(t, d)
	f.after = func() error { t.Error("a finished run was measured again"); return nil }
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestATornLineIsRepaired(t *testing.T) {
	for name, tear := range map[string]func([]byte) []byte{
		"cut in the last line":           func(b []byte) []byte { return b[:len(b)-20] },
		"the newline is missing":         func(b []byte) []byte { return b[:len(b)-1] },
		"a block of zeroes":              func(b []byte) []byte { return append(b, make([]byte, 512)...) },
		"garbage with a newline":         func(b []byte) []byte { return append(b, "\x00\x00}\n"...) },
		"cut in the middle of the round": func(b []byte) []byte { return b[:len(b)*9/10] },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, shortPlan())
			b, _ := fakeBench(t, d)
			if err := b.Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			want := len(d.Results())
			file := d.File(rundir.ResultsFile)
			data, _ := os.ReadFile(file)
			if err := os.WriteFile(file, tear(data), 0o644); err != nil {
				t.Fatal(err)
			}
			d = reopenAndFinish(t, d)
			if got := len(d.Results()); got != want {
				t.Errorf("%d results, want %d", got, want)
			}
		})
	}
}

func TestAFailingTestIsNamedAndCleanedUp(t *testing.T) {
	d := newDir(t, shortPlan())
	defer d.Close()
	b, f := fakeBench(t, d)
	cutAfter(f, 300, func() error { return errors.New("wrong checksum") })
	err := b.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "under") || !strings.Contains(err.Error(), "wrong checksum") {
		t.Errorf("%v", err)
	}
	if *f.open != 0 || f.enforcer.closed != 1 {
		t.Errorf("%d copies left, enforcer closed %d times", *f.open, f.enforcer.closed)
	}
}

func TestSequentialOrder(t *testing.T) {
	p := shortPlan()
	p.Order = rundir.Sequential
	d := newDir(t, p)
	b, f := fakeBench(t, d)
	cutAfter(f, 200, func() error { return errors.New("cut") })
	if err := b.Run(context.Background()); err == nil {
		t.Fatal("not cut")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	before, reported := len(d.journal.results), 0
	b, _ = fakeBench(t, d)
	b.Progress = func(now Progress) {
		if now.Doing != "" {
			reported++
		}
	}
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	results := d.journal.results
	if measured := (len(results) - before) / len(p.Tests); reported != measured {
		t.Errorf("progress of %d rounds, but %d were measured", reported, measured)
	}
	if want := len(p.Scenarios) * 2 * p.Rounds(p.Tests[0]); len(results) != want {
		t.Errorf("%d results, want %d", len(results), want)
	}
	for i := 1; i < len(results); i++ {
		if results[i].Scenario != results[i-1].Scenario && results[i].Round != 0 {
			t.Errorf("line %d: %s begins with round %d", i, results[i].Scenario, results[i].Round)
		}
	}
	for _, c := range d.Analysis().Cells {
		if c.Scenario == "rules=8" && (!c.Significant || c.Loss < 0.09 || c.Loss > 0.11) {
			t.Errorf("%+v", c)
		}
	}
}
