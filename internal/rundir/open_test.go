package rundir

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
)

// writeRun makes a run directory with a plan of two scenarios and one round of it.
func writeRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	p := testPlan()
	p.Scenarios, p.Tests = ReferenceScenarios([]rules.Rules{{File: 1}}, []string{"1"}), p.Tests[:1]
	var results bytes.Buffer
	for _, s := range p.Scenarios {
		line, err := json.Marshal(Result{Test: p.Tests[0].Name, Scenario: s.Name, Ops: 1000, Ns: 1e9})
		if err != nil {
			t.Fatal(err)
		}
		results.Write(append(line, '\n'))
	}
	info, err := json.Marshal(Info{Schema: RunSchema, Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	explained, err := json.Marshal(map[string]map[string]Explained{"a": {"rules=1": {
		Ops: 1, Calls: 1,
		Completeness: 100,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		InfoFile: info, ResultsFile: results.Bytes(),
		ExplainedFile: explained,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, ProfilesDir, "rules=1"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// zipped compresses text that is repeated n times.
func zipped(t *testing.T, text string, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for range n {
		if _, err := z.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A run directory may come from an attacker. Reading it ends, takes little memory, and reads nothing outside of the
// directory.
func TestHostileDirectories(t *testing.T) {
	profile := ProfilePath("rules=1", "a")
	fifo := func(path string) error { return syscall.Mkfifo(path, 0o644) }
	link := func(to string) func(string) error { return func(path string) error { return os.Symlink(to, path) } }
	file := func(data []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, data, 0o644) }
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("root:secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	inflated := 200 // MiB
	if testing.Short() {
		inflated = 10
	}
	result := `{"test":"a","scenario":"rules=1","ops":1,"ns":1,"output":"` + strings.Repeat("x", 2<<20) + `"}` +
		"\n"
	for name, c := range map[string]struct {
		file string
		make func(path string) error
		want string // in the error, or in a problem
	}{
		"a FIFO for the plan":        {InfoFile, fifo, "not a regular file"},
		"a FIFO for results":         {ResultsFile, fifo, "not a regular file"},
		"a FIFO for the explanation": {ExplainedFile, fifo, "not a regular file"},
		"a FIFO for a profile":       {profile, fifo, "not a regular file"},
		"a device for results":       {ResultsFile, link("/dev/zero"), "escapes"},
		"a link to a file elsewhere": {InfoFile, link(secret), "escapes"},
		"a link up":                  {ExplainedFile, link("../../../../../../etc/passwd"), "escapes"},
		"a directory for a profile": {
			profile, func(path string) error { return os.Mkdir(path, 0o755) },
			"not a regular file",
		},
		"a line without an end": {
			ResultsFile, file(bytes.Repeat([]byte("x"), 2<<20)),
			"line 1 has more than 1 MiB",
		},
		"a long line": {ResultsFile, file([]byte(result)), "line 1 has more than 1 MiB"},
		"a profile that inflates": {
			profile, file(zipped(t, strings.Repeat("\x00", 1<<20), inflated)),
			"has more than 2 MiB",
		},
		"a profile of empty samples": {
			profile, file(zipped(t, strings.Repeat("\x12\x00", 1<<10), 512)),
			"more than 50000 samples",
		},
		"a profile of empty functions": {
			profile, file([]byte(strings.Repeat("\x2a\x00", 100_000))),
			"more than 50000 samples",
		},
		"a profile with a length of -1": {
			profile, file([]byte("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
			profile,
		},
		"a sparse plan of a terabyte": {InfoFile, func(path string) error {
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return f.Truncate(1 << 40)
		}, "more than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeRun(t)
			path := filepath.Join(dir, c.file)
			_ = os.Remove(path)
			if err := c.make(path); err != nil {
				t.Skip(err)
			}
			done := make(chan string, 1)
			go func() {
				r, err := Open(dir)
				if err != nil {
					done <- err.Error()
					return
				}
				_, err = r.Profile("rules=1", "a")
				done <- fmt.Sprint(r.Problems, err)
			}()
			select {
			case got := <-done:
				if !strings.Contains(got, c.want) || strings.Contains(got, "secret") &&
					strings.Contains(got, "root") {
					t.Errorf("%s, want %q", got, c.want)
				}
			case <-time.After(time.Minute):
				t.Fatal("reading has not ended after a minute")
			}
		})
	}
}

// Numbers that no bench measures end neither in a hang nor in an analysis of them.
func TestAbsurdResults(t *testing.T) {
	for name, change := range map[string]func(p *Plan, r *Result){
		"no operations":       func(_ *Plan, r *Result) { r.Ops = 0 },
		"negative operations": func(_ *Plan, r *Result) { r.Ops = -1 },
		"endless operations":  func(_ *Plan, r *Result) { r.Ops = math.MaxFloat64 },
		"hardly any time":     func(_ *Plan, r *Result) { r.Ns = math.SmallestNonzeroFloat64 },
		"slices unlike the sum": func(_ *Plan, r *Result) {
			r.Slices = [][2]float64{
				{math.MaxFloat64, 0},
				{-1, -1},
			}
		},
		"a huge round":     func(_ *Plan, r *Result) { r.Round = math.MaxInt },
		"a negative round": func(_ *Plan, r *Result) { r.Round = math.MinInt },
		"many copies":      func(p *Plan, _ *Result) { p.Tests[0].Copies = math.MaxInt },
		"a tiny unit":      func(p *Plan, _ *Result) { p.Tests[0].PerRate = 1e-17 },
	} {
		p := testPlan()
		p.Tests = p.Tests[:1]
		var lines bytes.Buffer
		for round := range 60 {
			for _, s := range p.Scenarios {
				r := Result{
					Test: "a", Scenario: s.Name, Round: round, Ops: 1000 + float64(round),
					Ns: 1e9,
				}
				if s.Name == "rules=1" {
					change(&p, &r)
				}
				line, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				lines.Write(append(line, '\n'))
			}
		}
		info, err := json.Marshal(Info{Schema: RunSchema, Plan: p})
		if err != nil {
			t.Fatal(err)
		}
		run, err := Read(fstest.MapFS{InfoFile: {Data: info}, ResultsFile: {Data: lines.Bytes()}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := json.Marshal(run.Analyze()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
