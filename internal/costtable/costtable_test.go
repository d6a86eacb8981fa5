package costtable

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/golden"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

func costRow(program int, syscall, comm string, rules, calls int, reading uint64) profile.Row {
	w := profile.Workload{MntNS: 1, Comm: comm}
	r := profile.Row{Program: program, Syscall: syscall, Workload: w, Rules: rules}
	for range calls {
		r.Readings.Add(reading)
		r.Sum += reading
	}
	return r
}

func measured() profile.Snapshot {
	return profile.Snapshot{
		Duration: 410 * time.Millisecond,
		Calibration: profile.Calibration{
			Runs: 9,
			Bias: profile.Median{Value: 158, Spread: 2}, Dispatch: profile.Median{Value: 156, Spread: 3},
			ProbeCost: profile.Median{Value: 420, Spread: 8},
		},
		Programs: []profile.Program{
			{Name: "ref_file_open", Hook: "file_open", Enforcer: "reference", Timed: 1101},
			{Name: "ref_capable", Hook: "capable", Enforcer: "reference", Timed: 3},
		},
		Rows: []profile.Row{
			costRow(0, "openat", "nginx", 8, 1000, 2200),
			costRow(0, "execve", "nginx", profile.RulesUnknown, 100, 900),
			costRow(0, "openat", "sh\x1b[2J", 0, 1, 3_000_000),
			costRow(1, "[kthread]", "", 0, 3, 200),
		},
		Warnings: []profile.Warning{{Text: "something to know"}},
	}
}

// crossChecked is measured with a second pass. One of the programs was detached before it.
func crossChecked(rerun bool) profile.Snapshot {
	s := measured()
	s.Duration = 4 * time.Second
	programs := []profile.KernelRuns{{Present: true, Runs: 1098, Time: 5 * time.Millisecond}, {}}
	s.CrossCheck = &profile.CrossCheck{Duration: 2 * time.Second, Rerun: rerun, Bias: 97, Programs: programs}
	return s
}

// sampled is measured with samples of the inside of ref_file_open.
func sampled() profile.Snapshot {
	s := measured()
	const program, file = "ref_file_open", "src/enforcer.bpf.c"
	lookup := profile.Code{Program: program, Function: "path_denied", File: file, Line: 84}
	match := profile.Code{Program: program, Function: "path_denied", File: "src/path.h", Line: 130}
	helper := func(name string) profile.Code { return profile.Code{Function: name, Module: "[kernel]"} }
	s.Rows[0].Paths = []profile.Path{
		{
			Program: program, Code: []profile.Code{helper("jhash"), helper("htab_map_lookup_elem"), lookup},
			Count: 420,
		},
		{Program: program, Code: []profile.Code{lookup}, Count: 31},
		{Program: program, Code: []profile.Code{match}, Count: 60},
		{Program: program, Code: []profile.Code{helper("rare"), match}, Count: 1},
	}
	for i := range uint64(8) {
		line := profile.Code{Program: program, Function: program, File: file, Line: 100 + int(i)}
		s.Rows[0].Paths = append(s.Rows[0].Paths, profile.Path{
			Program: program, Code: []profile.Code{line},
			Count: 1,
		})
	}
	s.Inside = &profile.Inside{Event: "cpu-clock", Hz: 997, Samples: 520, Own: 12, Programs: []profile.Source{{
		Program: program, Lines: []profile.SourceLine{
			{
				File: file, Line: 84,
				Text: "\t\tstruct ref_path_rule *rule = bpf_map_lookup_elem(rules, &key);",
			},
			{File: "src/path.h", Line: 130, Text: "\tif (c == '*') /* any */"},
		},
	}}}
	return s
}

// withRules is measured with a pass that timed each rule.
func withRules() profile.Snapshot {
	s := measured()
	row := func(rule int, text string, looks, matches uint64) profile.RuleRow {
		return profile.RuleRow{
			Program: profile.Program{
				ID: 7, Name: "ref_file_open", Hook: "file_open",
				Enforcer: "reference",
			},
			Function: "path_rule_at", Workload: profile.Workload{MntNS: 1, Comm: "nginx"}, Kind: "file",
			Rule: rule,
			Text: text, ShadowedBy: -1, Looks: looks, Matches: matches, Timed: looks,
			Sum: time.Duration(looks) * 380, ByIndex: true,
		}
	}
	s.EachRule = &profile.EachRule{
		Duration: 3 * time.Second,
		Calibration: profile.RuleCalibration{
			Bias: profile.Median{Value: 180}, Step: profile.Median{Value: 10},
			HashLookup: profile.Median{Value: 70}, ArrayLookup: profile.Median{Value: 10},
		},
		Rows: []profile.RuleRow{
			row(0, "deny /a/**", 1000, 0), row(1, "deny /etc/\x1b[2J", 1000, 600), row(2, "", 400, 0),
			row(3, "deny /b", 400, 0), row(4, "", 400, 400),
		},
		Untimed: []profile.UntimedRules{{
			Program:  profile.Program{Name: "ref_capable", Hook: "capable"},
			Workload: profile.Workload{MntNS: 1, Comm: "nginx"}, Kind: "cap",
			Rules: []string{"deny cap_sys_admin", "deny cap_net_raw"}, Reason: "they are one value",
		}},
		Missed: 3,
	}
	s.EachRule.Rows[4].PastEnd = true
	return s
}

func costsOf(t *testing.T, s profile.Snapshot) *profile.Costs {
	t.Helper()
	costs, err := s.Costs()
	if err != nil {
		t.Fatal(err)
	}
	return &costs
}

func TestTable(t *testing.T) {
	several := measured()
	several.Programs = append(several.Programs, profile.Program{
		Name: "other_file_open", Hook: "file_open", Enforcer: "generic", Position: 1, Timed: 10,
	})
	several.Rows = append(several.Rows, costRow(2, "openat", "nginx", profile.RulesUnknown, 10, 500))
	several.Rows[0].Denials = 17
	hooks := measured()
	hooks.Programs[0].Scope, hooks.Programs[0].Name = profile.ScopeHook, ""
	rough := measured()
	rough.Calibration.Bias.Spread = 90
	rough.Calibration.BiasSleepable = profile.Median{Value: 100, Spread: 90} // not used
	rough.Calibration.Judge()
	refused := measured()
	refused.Calibration.Bias.Spread = 900
	refused.Calibration.Judge()
	readings := measured()
	readings.Calibration = profile.Calibration{}
	incomplete := measured()
	incomplete.Programs[0].Missed, incomplete.Sample = 40, 64
	few := sampled()
	few.Rows[0].Paths = few.Rows[0].Paths[2:]
	divided := sampled()
	divided.Programs[0].Scope, divided.Programs[0].Name = profile.ScopeHook, ""
	divided.Inside.Programs[0].Without = "the program has no BTF: build it with -g"
	none := sampled()
	none.Rows[0].Paths = nil
	for name, test := range map[string]Table{
		"lines":              {Costs: costsOf(t, sampled()), Rows: 1},
		"lines_80":           {Costs: costsOf(t, sampled()), Rows: 1, Width: 80, Verbose: true},
		"lines_few":          {Costs: costsOf(t, few), Rows: 1},
		"lines_divided":      {Costs: costsOf(t, divided), Rows: 1},
		"lines_none":         {Costs: costsOf(t, none), Rows: 1},
		"plain":              {Costs: costsOf(t, measured())},
		"verbose":            {Costs: costsOf(t, rough), Verbose: true},
		"rough":              {Costs: costsOf(t, rough)},
		"refused":            {Costs: costsOf(t, refused)},
		"not_calibrated":     {Costs: costsOf(t, readings)},
		"incomplete":         {Costs: costsOf(t, incomplete)},
		"top_2":              {Costs: costsOf(t, measured()), Rows: 2},
		"several_and_denied": {Costs: costsOf(t, several)},
		"80_columns":         {Costs: costsOf(t, several), Width: 80},
		"hook_scope":         {Costs: costsOf(t, hooks), Rows: 30},
		"selection":          {Costs: costsOf(t, measured()), Rows: 1, Selection: "the processes of make"},
		"empty":              {Costs: costsOf(t, profile.Snapshot{}), Rows: 30},
		"each_rule":          {Costs: costsOf(t, withRules()), Rows: 4},
		"cross_check":        {Costs: costsOf(t, crossChecked(true)), Rows: 2},
		"cross_check_rates":  {Costs: costsOf(t, crossChecked(false)), Rows: 2},
		"by_workload":        {Costs: costsOf(t, several), By: "workload"},
		"by_pod":             {Costs: costsOf(t, withPod(several)), By: "pod", Width: 80},
		"by_syscall_calls":   {Costs: costsOf(t, several), By: "syscall", Sort: "calls"},
		"by_hook":            {Costs: costsOf(t, several), By: "hook", Sort: "name"},
		"by_rules":           {Costs: costsOf(t, several), By: "rules", Rows: 2},
		"by_program_mean":    {Costs: costsOf(t, several), By: "program", Sort: "mean"},
		"by_enforcer_denied": {Costs: costsOf(t, several), By: "enforcer", Sort: "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := test.Write(&b); err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, name+".txt", b.Bytes())
		})
	}
}

// withPod returns the snapshot with its first workload in a pod.
func withPod(s profile.Snapshot) profile.Snapshot {
	s.Rows = slices.Clone(s.Rows)
	w := &s.Rows[0].Workload
	w.Namespace, w.Pod, w.Container = "shop", "web-0", "nginx"
	return s
}

func TestIdle(t *testing.T) {
	varmor := profile.EnforcerCost{Name: "varmor", Hook: 1000, Idle: 230}
	systemd := profile.EnforcerCost{Name: "systemd", Hook: 50, Idle: 50}
	unread := profile.EnforcerCost{Name: "generic", Hook: 950, Unknown: 950}
	partly := varmor
	partly.Unknown = 41
	for want, all := range map[string][]profile.EnforcerCost{
		"": {unread},
		"23.0 % of it was spent where no rule applies":                                   {varmor},
		"23.0 % of it was spent where no rule applies; the rules are unknown for 4.10 %": {partly},
		"spent where no rule applies: 23.0 % of the cost of vArmor, 100.0 % of the cost of systemd": {
			varmor,
			systemd,
		},
		"none of it was spent where no rule applies": {{Name: "varmor", Hook: 1000}},
		"spent where no rule applies: 23.0 % of the cost of vArmor; the rules are unknown for 48.7 %": {
			varmor,
			unread,
		},
	} {
		if got := Idle(all); got != want {
			t.Errorf("%v: %q, want %q", all, got, want)
		}
	}
	if got := Idle(nil); got != "" {
		t.Errorf("nothing measured: %q", got)
	}
}

// An enforcer that is upgraded has two programs of one name for a while.
func TestProgramsOfOneNameAreToldApart(t *testing.T) {
	s := measured()
	s.Programs[0].ID, s.Programs[1].ID = 7, 8
	costs := func() *profile.Costs {
		c, err := s.Costs()
		if err != nil {
			t.Fatal(err)
		}
		return &c
	}
	if name := programNames(costs().Rows); severalPrograms(costs().Rows) ||
		name(&costs().Rows[0]) != "ref_capable" {
		t.Errorf("two names on two hooks: %s", name(&costs().Rows[0]))
	}
	s.Programs[1].Name, s.Programs[1].Hook = s.Programs[0].Name, s.Programs[0].Hook
	if name := programNames(costs().Rows); !severalPrograms(costs().Rows) ||
		name(&costs().Rows[0]) != "ref_file_open#8" {
		t.Errorf("one name: %s", name(&costs().Rows[0]))
	}
}

func TestTableIsSortedByTotal(t *testing.T) {
	var b bytes.Buffer
	table := Table{Costs: costsOf(t, measured())}
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	sorted := strings.HasPrefix(lines[3], "sh?[2J") && strings.Contains(lines[4], "2.20 ms")
	if !sorted || strings.Contains(b.String(), "\x1b") {
		t.Errorf("the 3 ms call is not first, or its name holds an escape sequence:\n%s", b.String())
	}
}

// All calls of a row in the golden files took the same time, so a quantile may differ from the mean only by rounding.
func TestQuantilesInTheTableDoNotContradictTheMean(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	figures := regexp.MustCompile(` ([\d.]+ [nµm]s) +([\d.]+ [nµm]s) +([\d.]+ [nµm]s) +[\d.]+ [nµm]s +[\d.]+ %$`)
	rows := 0
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "by_") { // groups of calls that differ
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(data), "\n") {
			f := figures.FindStringSubmatch(line)
			if f == nil {
				continue
			}
			rows++
			mean, err := time.ParseDuration(strings.ReplaceAll(f[1], " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			if want := text.Rough(float64(mean)); f[2] != want || f[3] != want {
				t.Errorf("%s: p50 %s, p99 %s, want the mean %s of equal calls", file, f[2], f[3], f[1])
			}
		}
	}
	if rows < 10 {
		t.Errorf("only %d rows were looked at", rows)
	}
}
