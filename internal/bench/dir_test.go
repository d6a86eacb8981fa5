package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

const nobody = 65534

func TestDamageInTheMiddleIsNamed(t *testing.T) {
	for name, test := range map[string]struct{ journal, want string }{
		"no JSON":         {"{\"ops\":1,\"ns\":1}\nnonsense\n{}\n", "line 2"},
		"no operations":   {"{\"ops\":1,\"ns\":1}\n{\"ops\":0,\"ns\":1}\n", "line 2: 0 operations in 1 ns"},
		"absurd rate":     {"{\"ops\":1e300,\"ns\":1e-300}\n", "line 1: 1e+300 operations"},
		"absurd round":    {"{\"ops\":1,\"ns\":1,\"round\":1099511627776}\n", "line 1: round 1099511627776"},
		"a round below 0": {"{\"ops\":1,\"ns\":1,\"round\":-1}\n", "line 1: round -1"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, shortPlan())
			d.Close()
			os.WriteFile(d.File(rundir.ResultsFile), []byte(test.journal), 0o644)
			if _, err := Open(d.Path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

// A run.json whose plan no bench could finish is refused at once.
func TestAbsurdPlansAreRefused(t *testing.T) {
	d := newDir(t, shortPlan())
	d.Info.Plan.Runs = 1 << 40
	if err := errors.Join(d.SaveInfo(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(d.Path); err == nil || !strings.Contains(err.Error(),
		"1099511627776 runs: must be from 1 to 10000") {
		t.Errorf("%v", err)
	}
}

func TestASecondBenchIsRefused(t *testing.T) {
	d := newDir(t, shortPlan())
	defer d.Close()
	if _, err := Open(d.Path); err == nil || !strings.Contains(err.Error(),
		"another lsmprof bench is working on it") {
		t.Errorf("%v", err)
	}
	if _, err := Create(d.Path, rundir.Info{}); err == nil || !strings.Contains(err.Error(),
		"another lsmprof bench is working on it") {
		t.Errorf("%v", err)
	}
}

func TestRunDirectoriesAreNotOverwritten(t *testing.T) {
	d := newDir(t, shortPlan())
	d.Close()
	// Nothing was measured in it.
	d, err := Create(d.Path, rundir.Info{Plan: shortPlan()})
	if err != nil {
		t.Fatal(err)
	}
	d = reopenAndFinish(t, d)
	d.Close()
	if _, err := Create(d.Path, rundir.Info{}); !errors.Is(err, ErrHoldsRun) {
		t.Errorf("%v, want %v", err, ErrHoldsRun)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNoRun) {
		t.Errorf("%v, want %v", err, ErrNoRun)
	}
	// Results that cannot be read are an error of their own.
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, rundir.ResultsFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, rundir.Info{}); err == nil || errors.Is(err, ErrHoldsRun) ||
		!strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
}

// Benches that start in the same second get a directory each.
func TestNewRunDirectoriesHaveDifferentNames(t *testing.T) {
	base := filepath.Join(t.TempDir(), "lsmprof-bench-20260102-030405")
	var all sync.Map
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			d, err := CreateNew(base, rundir.Info{Plan: shortPlan()})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			if _, taken := all.LoadOrStore(d.Path, true); taken {
				t.Errorf("two benches have %s", d.Path)
			}
		})
	}
	wg.Wait()
	if _, ok := all.Load(base + "-8"); !ok {
		t.Error("the last of eight is not numbered 8")
	}
}

// Someone who may write to the folder above guesses the name of the run directory and plants something in it.
func TestPlantedRunDirectories(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("one line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := func(name, target string) func(string) error {
		return func(dir string) error { return os.Symlink(target, filepath.Join(dir, name)) }
	}
	for name, test := range map[string]struct {
		plant func(dir string) error
		want  string
	}{
		"links as results": {link(rundir.ResultsFile, victim), "too many levels of symbolic links"},
		"links as the lock": {
			link(rundir.LockFile, filepath.Join(filepath.Dir(victim), "made")),
			"too many levels of symbolic links",
		},
		"links to nothing, results": {
			link(rundir.ResultsFile, filepath.Join(filepath.Dir(victim), "made")),
			"too many levels",
		},
		"a FIFO as results": {func(dir string) error {
			return unix.Mkfifo(filepath.Join(dir,
				rundir.ResultsFile), 0o600)
		}, "not a regular file"},
		"writable for a group": {func(dir string) error { return os.Chmod(dir, 0o775) }, "chmod go-w"},
		"writable for everybody": {
			func(dir string) error { return os.Chmod(dir, 0o777|os.ModeSticky) },
			"chmod go-w",
		},
		"of another user": {
			func(dir string) error { return os.Chown(dir, nobody, nobody) },
			"it belongs to user 65534",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := test.plant(dir); errors.Is(err, os.ErrPermission) {
				t.Skip("directories of other users need root")
			} else if err != nil {
				t.Fatal(err)
			}
			if d, err := Create(dir, rundir.Info{Plan: shortPlan()}); err == nil ||
				!strings.Contains(err.Error(), test.want) {
				t.Errorf("created %v, %v, want %q", d, err, test.want)
			}
			if d, err := Open(dir); err == nil {
				t.Errorf("opened %v", d)
			}
			if text, err := os.ReadFile(victim); err != nil || string(text) != "one line\n" {
				t.Errorf("the file that a link leads to is %q now, %v", text, err)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(victim), "made")); err == nil {
				t.Error("a file was made where a link leads to")
			}
		})
	}
	t.Run("a link to a directory", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "run")
		if err := os.Symlink(t.TempDir(), path); err != nil {
			t.Fatal(err)
		}
		if _, err := Create(path, rundir.Info{Plan: shortPlan()}); err == nil ||
			!strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("%v", err)
		}
	})
}

// Folders in a run directory that are replaced by links while a bench runs lead nowhere.
func TestNoLinkIsFollowedWithinARunDirectory(t *testing.T) {
	d := newDir(t, shortPlan())
	defer d.Close()
	outside := t.TempDir()
	if err := os.Symlink(outside, d.File(rundir.RawDir)); err != nil {
		t.Fatal(err)
	}
	if err := d.saveOutput(&rundir.Result{Test: "a", Scenario: "s"}, []byte("x")); err == nil {
		t.Error("wrote through a link")
	}
	if made, _ := os.ReadDir(outside); len(made) > 0 {
		t.Errorf("%v was made outside", made)
	}
}

// Results that nobody can read any more are an error, not a success.
func TestADeletedRunDirectoryIsAnError(t *testing.T) {
	for name, remove := range map[string]func(*Dir) error{
		"results":   func(d *Dir) error { return os.Remove(d.File(rundir.ResultsFile)) },
		"directory": func(d *Dir) error { return os.RemoveAll(d.Path) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDir(t, shortPlan())
			defer d.Close()
			b, f := fakeBench(t, d)
			cutAfter(f, 300, func() error { return remove(d) })
			if err := b.Run(context.Background()); err == nil ||
				!strings.Contains(err.Error(), "was deleted while the bench was running") {
				t.Errorf("%v", err)
			}
			if name == "directory" {
				if err := d.Save(); err == nil {
					t.Error("saved into a deleted directory")
				}
			}
			if _, err := os.Stat(d.Path); (err == nil) != (name == "results") {
				t.Errorf("run directory: %v", err)
			}
		})
	}
}

// Names in any script, and names that differ only in what a file name cannot have, get their own files.
func TestEveryScenarioAndTestHasItsOwnFiles(t *testing.T) {
	names := []string{
		"基线", "一规", "八规", "a b", "a-b", "a/b", "a:b", "..", ".", ".lock", "ε",
		strings.Repeat("x", 300), strings.Repeat("x", 301), "x~y", "é", "e\u0301",
	}
	p := shortPlan()
	p.Scenarios, p.Tests = nil, nil
	for _, name := range names {
		p.Scenarios = append(p.Scenarios, rundir.Scenario{Name: name, State: rundir.Removed})
		p.Tests = append(p.Tests, rundir.Test{
			Name: name, Kind: rundir.Command, Run: "true",
			Better: rundir.Lower,
		})
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	d := newDir(t, p)
	defer d.Close()
	files, labels := map[string]bool{}, map[string]bool{}
	benchmarks := benchmarkNames(p.Tests)
	for _, s := range names {
		for _, name := range names {
			r := rundir.Result{Test: name, Scenario: s}
			if err := d.saveOutput(&r, []byte("x")); err != nil {
				t.Fatal(err)
			}
			files[r.Output] = true
			labels[fmt.Sprintf("%s/scenario=%s", benchmarks[name], rundir.FileName(s))] = true
		}
	}
	written, err := filepath.Glob(d.File(rundir.RawDir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(names) * len(names); len(files) != want || len(written) != want || len(labels) != want {
		t.Errorf("%d names, %d files, %d labels for %d cells", len(files), len(written), len(labels), want)
	}
}

// A bench that was killed while a scenario was in force leaves a note, by which the next one tears the scenario down
// first.
func TestScenariosLeftInForceAreTornDown(t *testing.T) {
	d := newDir(t, shortPlan())
	defer d.Close()
	flag := filepath.Join(t.TempDir(), "in-force")
	scenarios := []rundir.Scenario{
		{Name: "without", State: rundir.Removed},
		{
			Name: "policy", State: "scenario policy", Setup: &rundir.Step{
				Run:     "touch " + flag,
				Timeout: stepTimeout,
			},
			Teardown: &rundir.Step{Run: "rm " + flag, Timeout: stepTimeout},
		},
	}
	killed := &Scripted{Own: NoEnforcer{}, Scenarios: scenarios, Mark: d.MarkInForce}
	if err := killed.Switch(t.Context(), "scenario policy"); err != nil {
		t.Fatal(err)
	}
	name, err := d.InForce()
	if err != nil || name != "policy" {
		t.Fatalf("the note names %q, %v", name, err)
	}
	next := &Scripted{Own: NoEnforcer{}, Scenarios: scenarios, Mark: d.MarkInForce}
	if err := next.Recover(name); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(flag); err == nil {
		t.Error("the scenario is still in force")
	}
	if name, err := d.InForce(); err != nil || name != "" {
		t.Errorf("the note names %q after the teardown, %v", name, err)
	}
	if err := next.Recover("another"); err == nil || !strings.Contains(err.Error(), "is not in the plan") {
		t.Errorf("%v", err)
	}
}

// run.json names the enforcers that were found in force, and the run after those that it is about.
func TestRunIsNamedAfterTheEnforcerInForce(t *testing.T) {
	d := newDir(t, plainPlan())
	defer d.Close()
	b, f := fakeBench(t, d)
	n := 0
	b.Rules = &fakeRules{read: inForce(f, &n, nil)}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(d.File(rundir.InfoFile))
	if err != nil {
		t.Fatal(err)
	}
	var info rundir.Info
	if err := json.Unmarshal(data, &info); err != nil {
		t.Fatal(err)
	}
	want := map[string][]rundir.Enforcer{
		"not-installed": {}, rundir.SecondBaselineName: {},
		"no-policy": {{Product: "reference", Programs: 12}},
	}
	if info.Enforcer != "reference" || !reflect.DeepEqual(info.Enforcers, want) {
		t.Errorf("%q, %+v, want %+v", info.Enforcer, info.Enforcers, want)
	}
}
