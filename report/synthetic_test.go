package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
)

// synthetic is a run whose losses are known: a scenario with n rules loses n per mille, and its hook explains all of
// it.
type synthetic struct {
	info      rundir.Info
	results   []rundir.Result
	explained map[string]map[string]rundir.Explained
	profiles  map[string][]byte
}

func newSynthetic(tests, scenarios, rounds int) *synthetic {
	s := &synthetic{
		info: rundir.Info{
			Schema: rundir.RunSchema, Version: "test", CommandLine: []string{"lsmprof", "bench"},
			Start:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Machine:  rundir.Machine{Kernel: "6.1.0", Arch: "amd64", CPU: "a CPU", CPUs: 2},
			Enforcer: "reference", Product: "test", Suite: "built-in",
			Plan: rundir.Plan{
				Order: rundir.Interleaved, Seed: 1, Runs: rounds,
				Slice: 50 * time.Millisecond,
			},
		},
		explained: map[string]map[string]rundir.Explained{},
		profiles:  map[string][]byte{},
	}
	plan := &s.info.Plan
	plan.Scenarios = []rundir.Scenario{{Name: "not-installed", State: rundir.Removed}}
	for n := 1; n < scenarios; n++ {
		plan.Scenarios = append(plan.Scenarios, rundir.Scenario{
			Name: fmt.Sprintf("rules=%d", n), State: rundir.Installed, Confined: true,
			Rules: rules.Rules{File: n},
		})
	}
	plan.Scenarios = rundir.WithSecondBaseline(plan.Scenarios)
	for n := range tests {
		plan.Tests = append(plan.Tests, rundir.Test{
			Name:  fmt.Sprintf("test%d", n),
			Label: fmt.Sprintf("Test %d", n), Unit: "lps", Kind: rundir.BuiltIn,
		})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, t := range plan.Tests {
		s.explained[t.Name] = map[string]rundir.Explained{}
		for round := range rounds {
			for _, in := range plan.Scenarios {
				rate := 1e5 * (1 - float64(in.Rules.File)/1000) * (1 + 1e-4*rng.NormFloat64())
				s.results = append(s.results, rundir.Result{
					Round: round, Test: t.Name,
					Scenario: in.Name, Ops: rate / 10, Ns: 1e8, Score: rate,
					Slices: [][2]float64{
						{rate / 50, 2e7},
						{rate / 50, 2e7},
						{rate / 50, 2e7},
						{rate / 50, 2e7},
						{rate / 50, 2e7},
					},
				})
			}
		}
		for _, in := range plan.Scenarios {
			n := float64(in.Rules.File)
			if in.State == rundir.Removed {
				continue
			}
			ns := 1e4*n/1000 + 500
			s.explained[t.Name][in.Name] = rundir.Explained{
				Ops: 1000, Calls: 1, HookNs: ns, Completeness: 100, Calibrated: true,
				Rows: []rundir.ExplainedRow{{
					Syscall: "openat", Hook: "file_open", Program: "p",
					Rules: in.Rules.File, Calls: 1, HookNs: ns, Mean: ns, Err: 0.5, P50: ns,
					P99: ns,
				}},
				Syscalls: []rundir.SyscallTime{{Syscall: "openat", Calls: 1, Ns: 4 * ns}},
			}
		}
	}
	return s
}

// withProfiles adds a profile for each cell.
func (s *synthetic) withProfiles(t testing.TB) *synthetic {
	for _, test := range s.info.Plan.Tests {
		for _, in := range s.info.Plan.Scenarios {
			if in.State == rundir.Removed {
				continue
			}
			row := s.explained[test.Name][in.Name].Rows[0]
			snap := profile.Snapshot{
				Calibration: profile.Calibration{Runs: 1},
				Programs: []profile.Program{{
					ID: 1, Name: "p", Hook: row.Hook,
					Enforcer: "reference", Timed: 1000,
				}},
				Rows: []profile.Row{{
					Syscall: row.Syscall, Workload: profile.Workload{
						MntNS: 1,
						Comm:  "suite",
					}, Rules: in.Rules.File,
					Sum: 1000 * uint64(500+10*in.Rules.File),
				}},
			}
			snap.Rows[0].Readings[30] = 1000
			costs, err := snap.Costs()
			if err != nil {
				t.Fatal(err)
			}
			p, err := costs.Profile()
			if err != nil {
				t.Fatal(err)
			}
			for _, sample := range p.Sample {
				sample.Label["test"] = []string{test.Name}
			}
			var b bytes.Buffer
			if err := p.Write(&b); err != nil {
				t.Fatal(err)
			}
			s.profiles[rundir.ProfilePath(in.Name, test.Name)] = b.Bytes()
		}
	}
	return s
}

// files returns the run directory.
func (s *synthetic) files(t testing.TB) fstest.MapFS {
	t.Helper()
	encode := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var lines bytes.Buffer
	for i := range s.results {
		lines.Write(append(encode(s.results[i]), '\n'))
	}
	out := fstest.MapFS{
		rundir.InfoFile:      {Data: encode(s.info)},
		rundir.ResultsFile:   {Data: lines.Bytes()},
		rundir.ExplainedFile: {Data: encode(s.explained)},
	}
	for name, data := range s.profiles {
		out[name] = &fstest.MapFile{Data: data}
	}
	return out
}

func (s *synthetic) open(t testing.TB) *Report {
	t.Helper()
	r, err := OpenFS(s.files(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// formats returns the report in all formats, by the name or the extension of the file.
func formats(t testing.TB, r *Report) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"html": func(b *bytes.Buffer) error { return r.WriteHTML(b) },
		"md":   func(b *bytes.Buffer) error { return r.WriteMarkdown(b) },
		"json": func(b *bytes.Buffer) error { return r.WriteJSON(b) },
		"txt":  func(b *bytes.Buffer) error { return r.WriteText(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out[name] = b.String()
	}
	for _, table := range r.Tables() {
		var b bytes.Buffer
		if err := table.Write(&b); err != nil {
			t.Errorf("%s.csv: %v", table.Name, err)
		}
		out[table.Name+".csv"] = b.String()
	}
	return out
}
