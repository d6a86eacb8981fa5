// Package rundirtest makes run directories with known contents for tests.
package rundirtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer/rules"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/profile"
)

// Run is a run with known losses: a scenario with n rules loses n per mille, and its hook explains the whole loss.
// Tests may change the fields before they call Files.
type Run struct {
	Info      rundir.Info
	Results   []rundir.Result
	Explained map[string]map[string]rundir.Explained // by test and scenario
	Profiles  map[string][]byte                      // by path in the run directory
}

// New returns a run of tests named test0, test1 and so on. Its scenarios are not-installed, rules=1, rules=2 and so on,
// and a second baseline that does not count as one of them.
func New(tests, scenarios, rounds int) *Run {
	s := &Run{
		Info: rundir.Info{
			Schema: rundir.RunSchema, Version: "test", CommandLine: []string{"lsmprof", "bench"},
			Start:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			Machine:  rundir.Machine{Kernel: "6.1.0", Arch: "amd64", CPU: "a CPU", CPUs: 2},
			Enforcer: "reference", Product: "test", Suite: "built-in",
			Plan: rundir.Plan{
				Order: rundir.Interleaved, Seed: 1, Runs: rounds,
				Slice: 50 * time.Millisecond,
			},
		},
		Explained: map[string]map[string]rundir.Explained{},
		Profiles:  map[string][]byte{},
	}
	plan := &s.Info.Plan
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
		s.Explained[t.Name] = map[string]rundir.Explained{}
		for round := range rounds {
			for _, in := range plan.Scenarios {
				rate := 1e5 * (1 - float64(in.Rules.File)/1000) * (1 + 1e-4*rng.NormFloat64())
				s.Results = append(s.Results, rundir.Result{
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
			s.Explained[t.Name][in.Name] = rundir.Explained{
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

// WithProfiles adds a profile for each cell.
func (s *Run) WithProfiles(t testing.TB) *Run {
	for _, test := range s.Info.Plan.Tests {
		for _, in := range s.Info.Plan.Scenarios {
			if in.State == rundir.Removed {
				continue
			}
			row := s.Explained[test.Name][in.Name].Rows[0]
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
			p, err := rundir.CellProfile(&costs, test, s.Explained[test.Name][in.Name])
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
			s.Profiles[rundir.ProfilePath(in.Name, test.Name)] = b.Bytes()
		}
	}
	return s
}

// Files returns the run directory.
func (s *Run) Files(t testing.TB) fstest.MapFS {
	t.Helper()
	encode := func(v any) []byte {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var lines bytes.Buffer
	for i := range s.Results {
		lines.Write(append(encode(s.Results[i]), '\n'))
	}
	out := fstest.MapFS{
		rundir.InfoFile:      {Data: encode(s.Info)},
		rundir.ResultsFile:   {Data: lines.Bytes()},
		rundir.ExplainedFile: {Data: encode(s.Explained)},
	}
	for name, data := range s.Profiles {
		out[name] = &fstest.MapFile{Data: data}
	}
	return out
}

// hostileNames are names that an attacker may give to tests, hooks and containers.
var hostileNames = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</title><b>`,
	`</script><script>alert(1)</script>`, "a|b\nc `d` [e](javascript:alert(1))",
	`=HYPERLINK("http://example.invalid")`, strings.Repeat("very-long-name-", 14), "\x00\x1b[31m\u202ereversed",
	`';alert(1)//`, `{{.Title}}`,
}

// Hostile returns a run with profiles in which tests, hooks, syscalls, programs and one scenario have hostile names.
func Hostile(t testing.TB) *Run {
	s := New(len(hostileNames), 4, 8)
	for i, name := range hostileNames {
		old := s.Info.Plan.Tests[i].Name
		s.Info.Plan.Tests[i].Name, s.Info.Plan.Tests[i].Label, s.Info.Plan.Tests[i].Unit = name, name, name
		for j := range s.Results {
			if s.Results[j].Test == old {
				s.Results[j].Test = name
			}
		}
		cells := s.Explained[old]
		for scenario, e := range cells {
			e.Rows[0].Hook, e.Rows[0].Syscall, e.Rows[0].Program, e.Syscalls[0].Syscall = name, name, name,
				name
			cells[scenario] = e
		}
		s.Explained[name] = cells
		delete(s.Explained, old)
	}
	s.Info.Plan.Container, s.Info.Enforcer = hostileNames[0], hostileNames[1]
	s.Info.Product, s.Info.Suite = hostileNames[2], hostileNames[3]
	s.Info.Machine.CommandLine, s.Info.CommandLine, s.Info.Warnings = hostileNames[1], hostileNames, hostileNames
	old := s.Info.Plan.Scenarios[1].Name
	s.Info.Plan.Scenarios[1].Name = hostileNames[3]
	for j := range s.Results {
		if s.Results[j].Scenario == old {
			s.Results[j].Scenario = hostileNames[3]
		}
	}
	for _, cells := range s.Explained {
		cells[hostileNames[3]] = cells[old]
		delete(cells, old)
	}
	return s.WithProfiles(t)
}
