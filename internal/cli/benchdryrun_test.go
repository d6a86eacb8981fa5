package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// dryRun returns what `lsmprof bench --dry-run` prints, whatever this machine supports.
func dryRun(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Main(append([]string{"bench", "--dry-run"}, args...), nil, &out, &errs); code != exitOK &&
		code != exitUnsupported {
		t.Fatalf("bench --dry-run %s: exit status %d: %s", strings.Join(args, " "), code, &errs)
	}
	return out.String(), errs.String()
}

func TestBenchDryRunNamesHooks(t *testing.T) {
	out, _ := dryRun(t, "--tests", "execl,pipe")
	first, _, _ := strings.Cut(out, "\n")
	if !strings.HasPrefix(first, "measuring the reference enforcer of lsmprof, a stand-in.") {
		t.Errorf("the first line is %q", first)
	}
	for _, want := range []string{
		"bprm_check_security, file_open", "no chosen test reaches: capable,",
		"not-installed, no-policy, allow, rules=1",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

// The hooks of the reference enforcer are not printed for an enforcer that commands set up.
func TestBenchDryRunOfScripts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.yaml")
	if err := os.WriteFile(file, []byte(slowScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := dryRun(t, "--scenarios", file, "--profile", "off")
	if !strings.HasPrefix(out, "measuring the enforcer that the commands of the scenarios set up") ||
		strings.Contains(out, "no chosen test reaches") {
		t.Error(out)
	}
}

// Everything that a run needs is checked before it starts, and before it makes a directory.
func TestBenchChecksFirst(t *testing.T) {
	needRoot(t)
	t.Chdir(t.TempDir())
	none := []string{"--enforcer", "none", "--same", "2"}
	if err := os.WriteFile("s.yaml", []byte("scenarios:\n- name: a\n- name: b\n  setup: no-such-command on\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"test x: no-such-benchmark: command not found": append(none, "--test",
			"name=x; run=no-such-benchmark -q"),
		"setup of scenario b: no-such-command: command not": {
			"--scenarios", "s.yaml", "--profile", "off",
			"--test", "name=x; run=true",
		},
		"--workdir /nope: no such file or directory": append(none, "--workdir", "/nope", "--tests",
			"syscall"),
		"is not a byte-unixbench": append(none, "--unixbench", "."),
		"/nope.sock": append(none, "--runtime-endpoint",
			"unix:///nope.sock", "--pod", "a/b", "--tests", "syscall"),
		"CPU 1000 is missing or not allowed for this process": append(none, "--cpus", "1000", "--tests",
			"syscall"),
	} {
		for _, more := range [][]string{nil, {"--dry-run"}} {
			var out, errs bytes.Buffer
			code := Main(append(append([]string{"bench"}, args...), more...), nil, &out, &errs)
			if code == exitOK || !strings.Contains(errs.String(), want) ||
				strings.Contains(errs.String(), "--resume") {
				t.Errorf("%v: exit status %d, %s, want %q", append(args, more...), code, &errs, want)
			}
		}
	}
	if left, err := filepath.Glob("lsmprof-*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// With --resume, a dry run prints what is left of that run, not what a new one would do.
func TestBenchDryRunOfAResume(t *testing.T) {
	needRoot(t)
	vmtest.OnOneKernel(t)
	dir := filepath.Join(t.TempDir(), "run")
	cmd := startBench(t, "--enforcer", "none", "--same", "2", "--tests", "syscall,pipe", "--runs", "50", "--slice",
		"5ms", "--dir", dir)
	waitForLines(t, dir, 6)
	cmd.Process.Signal(syscall.SIGINT)
	cmd.Wait()
	out, _ := runBench(t, 0, "--dry-run", "--resume", dir)
	for _, want := range []string{"left to measure in " + dir, "syscall", "pipe", " of 200"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "200 of 200") || strings.Contains(out, "execl") {
		t.Error(out)
	}
	if _, errs := runBench(t, exitUsage, "--dry-run", "--resume", "/nope"); !strings.Contains(errs, "/nope") {
		t.Error(errs)
	}
}
