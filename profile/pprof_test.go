package profile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/golden"
)

func TestStackIsWorkloadRulesSyscallHookProgram(t *testing.T) {
	whole := sample()
	whole.Programs[0].Scope, whole.Programs[0].Name = ScopeHook, ""
	for _, test := range []struct {
		name  string
		s     Snapshot
		stack string
	}{
		{"program", sample(), "workload.web/nginx-0/nginx > rules.8 rules > syscall.execve > " +
			"hook.file_open > program.varmor_file_open > cost.program body"},
		{"hook", whole, "workload.web/nginx-0/nginx > rules.8 rules > syscall.execve > hook.file_open > " +
			"cost.program body"},
	} {
		p, err := costs(t, test.s).Profile()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(stacks(p), "\n")+"\n", test.stack+" [vArmor]\n") {
			t.Errorf("%s: no stack %q in\n%s", test.name, test.stack, strings.Join(stacks(p), "\n"))
		}
	}
}

// stacks returns the stacks of all samples, root first, with their mapping.
func stacks(p *pprof.Profile) []string {
	var all []string
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			names = append([]string{l.Line[0].Function.Name}, names...)
		}
		all = append(all, fmt.Sprintf("%s [%s]", strings.Join(names, " > "), s.Location[0].Mapping.File))
	}
	return all
}

func TestProfileCanBeReadBack(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Write(&b); err != nil {
		t.Fatal(err)
	}
	p, err := pprof.ParseData(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "record.pprof.txt", []byte(p.String()))
	if p.DefaultSampleType != HookTime || p.PeriodType == nil || p.Period != 1 {
		t.Errorf("default sample type %q, period %d %v", p.DefaultSampleType, p.Period, p.PeriodType)
	}
	for _, s := range p.Sample {
		// A numeric 0 without a unit would be gone here.
		if len(s.NumLabel["rules"])+len(s.Label["rules"]) != 1 {
			t.Errorf("labels %v %v: want one rules label", s.Label, s.NumLabel)
		}
	}
}

func TestSameSnapshotSameBytes(t *testing.T) {
	var first bytes.Buffer
	if err := sample().Write(&first); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		s := sample()
		rand.Shuffle(len(s.Rows), func(i, j int) { s.Rows[i], s.Rows[j] = s.Rows[j], s.Rows[i] })
		var again bytes.Buffer
		if err := s.Write(&again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Fatal("the same snapshot with its rows in another order gave other bytes")
		}
	}
}

// Pyroscope and others keep string labels only.
func TestStoresOfStringLabelsCanTellSamplesApart(t *testing.T) {
	s := sample()
	p, err := costs(t, s).Profile()
	if err != nil {
		t.Fatal(err)
	}
	seen, rows := map[string]bool{}, map[string]bool{}
	for i, sample := range p.Sample {
		numbers := sample.NumLabel
		sample.NumLabel, sample.NumUnit = nil, nil
		key := fmt.Sprint(stacks(p)[i], sample.Label)
		if seen[key] {
			t.Errorf("two samples are %s", key)
		}
		seen[key], rows[fmt.Sprint(sample.Label)] = true, true
		want := "unknown"
		if n, ok := numbers["rules"]; ok {
			want = fmt.Sprint(n[0])
		}
		if got := sample.Label["rule_count"]; len(got) != 1 || got[0] != want {
			t.Errorf("rule_count %q of a sample with rules %v, want %q", got, numbers["rules"], want)
		}
		mntns := fmt.Sprint(numbers["mntns"][0])
		if got := sample.Label["mount_namespace"]; len(got) != 1 || got[0] != mntns {
			t.Errorf("mount_namespace %q, want %q", got, mntns)
		}
	}
	if len(rows) != len(s.Rows) {
		t.Errorf("samples of %d rows, want %d", len(rows), len(s.Rows))
	}
}

func TestReloadedProgramIsOneSample(t *testing.T) {
	s := sample()
	before, err := costs(t, s).Profile()
	if err != nil {
		t.Fatal(err)
	}
	again := s.Programs[1]
	again.ID = 99
	s.Programs = append(s.Programs, again)
	s.Rows = append(s.Rows, row(3, "execve", nginx, 8, repeat(890, 200)...))
	p, err := costs(t, s).Profile()
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Sample) != len(before.Sample) {
		t.Errorf("%d samples after the program was loaded again, %d before", len(p.Sample), len(before.Sample))
	}
}

// TestGoToolPprof runs the commands that users run.
func TestGoToolPprof(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here")
	}
	file := filepath.Join(t.TempDir(), "lsmprof.pb.gz")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := sample().Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	stacked := filepath.Join(t.TempDir(), "stacked.pb.gz")
	var b bytes.Buffer
	if err := withStacks().Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stacked, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	sources := t.TempDir()
	for name, text := range withLines().Inside.SourceFiles() {
		path := filepath.Join(sources, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lines := filepath.Join(t.TempDir(), "lines.pb.gz")
	b.Reset()
	if err := withLines().Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lines, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string]string{
		"lines_top":               "-top " + lines,
		"lines_list":              "-source_path=" + sources + " -list=varmor_file_open|rule_at " + lines,
		"lines_tree":              "-tree -focus=function -show_from=hook.file_open " + lines,
		"stacked_top_cum":         "-top -cum -focus=do_sys_openat2 " + stacked,
		"stacked_tree":            "-tree -focus=program.varmor_file_open -show_from=syscall.openat " + stacked,
		"top":                     "-top",
		"tree":                    "-tree",
		"tags":                    "-tags",
		"comments":                "-comments",
		"calls":                   "-sample_index=calls -top",
		"denials":                 "-sample_index=denials -top",
		"body":                    "-sample_index=body_time -top",
		"tagfocus_rules_8":        "-tagfocus=rules=8 -top",
		"tagfocus_rules_0":        "-tagfocus=rules=0 -top",
		"tagfocus_rules_range":    "-tagfocus=rules=1: -top",
		"tagfocus_rules_unknown":  "-tagfocus=rules=unknown -top",
		"tagfocus_mntns":          "-tagfocus=mntns=4026531840 -top",
		"tagfocus_enforcer":       "-tagfocus=enforcer=generic -top",
		"show_rules_tree":         "-show=^(rules|hook)[.] -tree",
		"tagroot_rules":           "-tagroot=rules -top -cum",
		"denied_calls":            "-sample_index=calls -focus=outcome.denied -top",
		"tagroot_mntns":           "-tagroot=mntns -top -cum",
		"tagleaf_comm":            "-tagleaf=comm -top",
		"focus_file_open_syscall": "-focus=hook.file_open -show_from=syscall.openat -top",
	} {
		t.Run(name, func(t *testing.T) {
			words := strings.Fields(args)
			if !strings.HasPrefix(name, "stacked") && !strings.HasPrefix(name, "lines") {
				words = append(words, file)
			}
			cmd := exec.Command("go", append([]string{"tool", "pprof"}, words...)...)
			cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir(), "TZ=UTC")
			var out, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.Bytes())
			}
			for _, line := range strings.Split(stderr.String(), "\n") {
				// "Interpreted 'x' as range" is pprof's note on how it read the option.
				if line != "" && !strings.Contains(line, "as range, not regexp") {
					t.Errorf("pprof complains: %s", line)
				}
			}
			golden.Equal(t, "pprof_"+name+".txt", out.Bytes())
		})
	}
}
