package rundir

import (
	"fmt"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/profile"
)

// cellCosts returns the costs of 100 opens of 1000 ns under 8 rules, and of 100 checks of a capability within them,
// 100 ns each, which walk no rules.
func cellCosts(t *testing.T) *profile.Costs {
	t.Helper()
	row := func(program, rules int, ns uint64) profile.Row {
		r := profile.Row{
			Program: program, Syscall: "openat", Workload: profile.Workload{MntNS: 1, Comm: "suite"},
			Rules: rules, Sum: 100 * ns,
		}
		for range 100 {
			r.Readings.Add(ns)
		}
		return r
	}
	costs, err := profile.Snapshot{
		Programs: []profile.Program{
			{Name: "a", Hook: "file_open", Enforcer: "varmor", Timed: 100},
			{Name: "b", Hook: "capable", Enforcer: "varmor", Timed: 100},
		},
		Rows: []profile.Row{row(0, 8, 1000), row(1, 0, 100)},
	}.Costs()
	if err != nil {
		t.Fatal(err)
	}
	return &costs
}

// timesOf returns the values of a sample type by stack, root first.
func timesOf(p *pprof.Profile, name string) map[string]int64 {
	out := map[string]int64{}
	for _, s := range p.Sample {
		var frames []string
		for _, l := range s.Location {
			frames = append([]string{l.Line[0].Function.Name}, frames...)
		}
		if v := s.Value[sampleIndex(p, name)]; v != 0 {
			out[strings.Join(frames, ";")] += v
		}
	}
	return out
}

func TestRestOfASyscallMakesWidthsSharesOfTime(t *testing.T) {
	e := Explained{Ops: 100, Syscalls: []SyscallTime{
		{Syscall: "openat", Calls: 1, Ns: 5000},
		{Syscall: "close", Calls: 1, Ns: 300},
		{Syscall: "execve", Calls: 0, Ns: 0},
	}}
	p, err := CellProfile(cellCosts(t), Test{Name: "open"}, e)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckValid(); err != nil {
		t.Fatal(err)
	}
	hooks := map[string]int64{
		"test.open;rules.8 rules;syscall.openat;hook.file_open;program.a;cost.program body": 100_000,
		"test.open;rules.0 rules;syscall.openat;hook.capable;program.b;cost.program body":   10_000,
	}
	if got := timesOf(p, profile.HookTime); fmt.Sprint(got) != fmt.Sprint(hooks) {
		t.Errorf("hook time %v, want %v", got, hooks)
	}
	all := map[string]int64{
		"test.open;rules.8 rules;syscall.openat;kernel.without hooks": 500_000 - 110_000,
		"test.open;syscall.close;kernel.without hooks":                30_000,
	}
	for stack, ns := range hooks {
		all[stack] = ns
	}
	if got := timesOf(p, SyscallTimeType); fmt.Sprint(got) != fmt.Sprint(all) {
		t.Errorf("syscall time %v, want %v", got, all)
	}
}

// Both times come from separate runs, so the hooks can seem to take longer than their syscall.
func TestSyscallThatSeemsShorterThanItsHooksHasNoRest(t *testing.T) {
	e := Explained{Ops: 100, Syscalls: []SyscallTime{{Syscall: "openat", Calls: 1, Ns: 900}}}
	p, err := CellProfile(cellCosts(t), Test{Name: "open"}, e)
	if err != nil {
		t.Fatal(err)
	}
	if got := timesOf(p, SyscallTimeType); len(got) != 2 {
		t.Errorf("%v, want the two hooks alone", got)
	}
}

func TestCellWithoutTimedSyscallsHasHookTimeOnly(t *testing.T) {
	p, err := CellProfile(cellCosts(t), Test{Name: "open"}, Explained{Ops: 100})
	if err != nil {
		t.Fatal(err)
	}
	if sampleIndex(p, SyscallTimeType) >= 0 {
		t.Errorf("sample types %v", p.SampleType)
	}
}

func TestOldNamesOfSampleTypesAreAccepted(t *testing.T) {
	p, err := CellProfile(cellCosts(t), Test{Name: "open"}, Explained{})
	if err != nil {
		t.Fatal(err)
	}
	p.SampleType[2].Type, p.SampleType[3].Type, p.DefaultSampleType = "body", "hook", "hook"
	var b strings.Builder
	if err := p.WriteUncompressed(&b); err != nil {
		t.Fatal(err)
	}
	p, err = parseProfile([]byte(b.String()), "old.pb.gz", maxProfile, maxMessages)
	if err != nil {
		t.Fatal(err)
	}
	if sampleIndex(p, profile.HookTime) != 3 || p.DefaultSampleType != profile.HookTime ||
		sampleIndex(p, profile.BodyTime) != 2 {
		t.Errorf("sample types %v, default %q", p.SampleType, p.DefaultSampleType)
	}
}
