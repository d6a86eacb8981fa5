package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mount namespaces need root")
	}
}

// runBench runs `lsmprof bench` in this process.
func runBench(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Main(append([]string{"bench"}, args...), nil, &out, &errs); code != want {
		t.Fatalf("bench %s: exit status %d, want %d: %s", strings.Join(args, " "), code, want, &errs)
	}
	return out.String(), errs.String()
}

func TestBenchOfNothing(t *testing.T) {
	needRoot(t)
	vmtest.OnOneKernel(t)
	dir := filepath.Join(t.TempDir(), "run")
	out, _ := runBench(t, 0, "--enforcer", "none", "--same", "2", "--tests", "syscall,openclose", "--runs", "2",
		"--slice", "5ms", "--warmup", "1ms", "--dir", dir, "-o", "json",
		"--fail-over", "50%")
	var doc struct {
		Schema string
		Run    rundir.Info
		Cells  []rundir.Cell
		Noise  []rundir.Noise
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if doc.Schema != rundir.AnalysisSchema || doc.Run.Schema != rundir.RunSchema || len(doc.Cells) != 6 ||
		len(doc.Noise) != 2 {
		t.Errorf("%s, %s, %d cells, %d noise", doc.Schema, doc.Run.Schema, len(doc.Cells), len(doc.Noise))
	}
	for _, c := range doc.Cells {
		if c.Rounds != 8 || c.Score <= 0 {
			t.Errorf("%+v", c)
		}
	}
}

// slowScenario has a loss of 50 %: the test prints 50 instead of 100 while the scenario's file exists.
const slowScenario = `
scenarios:
- name: fast
- name: slow
  setup: touch "$FLAG"
  teardown: rm "$FLAG"
tests:
- name: number
  run: if [ -e "$FLAG" ]; then echo 50; else echo 100; fi
  metric: ([0-9]+)
- name: steady
  run: echo 7
  metric: ([0-9]+)
`

func TestBenchFailOver(t *testing.T) {
	needRoot(t)
	vmtest.OnOneKernel(t)
	work := t.TempDir()
	flag := filepath.Join(work, "flag")
	t.Setenv("FLAG", flag)
	file := filepath.Join(work, "s.yaml")
	if err := os.WriteFile(file, []byte(slowScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(work, "run")
	out, errs := runBench(t, exitRegression, "--scenarios", file, "--runs", "8", "--profile", "off", "--dir", dir,
		"--fail-over", "2%")
	if !strings.Contains(errs, "number under slow lost 50.0 %, more than --fail-over 2 %") ||
		strings.Contains(errs, "steady under slow lost") {
		t.Error(errs)
	}
	if !strings.Contains(out, "50.00 % (50.00 to 50.00)") {
		t.Error(out)
	}
	if _, err := os.Stat(flag); err == nil {
		t.Error("the last teardown did not run")
	}
	// A run that is complete can be judged again.
	runBench(t, 0, "--resume", dir, "--profile", "off", "--fail-over", "60%")
	runBench(t, exitRegression, "--resume", dir, "--profile", "off", "--fail-over", "49%")
}

func TestBenchImport(t *testing.T) {
	vmtest.Host(t)
	const data = "../unixbench/score/testdata/run-i3-c1c2"
	dir := filepath.Join(t.TempDir(), "run")
	out, _ := runBench(t, 0, "--import", "base="+data+".log", "--import", "again="+data, "--dir", dir)
	for _, want := range []string{"pipe-x2 ", "again ", "index-x2 ", "UnixBench, ", "one after the other"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if _, errs := runBench(t, exitFailed, "--resume", dir); !strings.Contains(errs, "nothing to measure") {
		t.Error(errs)
	}
	if _, errs := runBench(t, exitFailed, "--import", "bench_test.go", "--dir", dir+"2"); !strings.Contains(errs,
		"no results: give") {
		t.Error(errs)
	}
	if _, err := os.Stat(dir + "2"); err == nil {
		t.Error("a run directory without results was made")
	}
}

func TestBenchCopies(t *testing.T) {
	needRoot(t)
	vmtest.OnOneKernel(t)
	out, _ := runBench(t, 0, "--enforcer", "none", "--same", "2", "--tests", "syscall", "--copies", "1,2", "--runs",
		"1", "--slice", "5ms", "--warmup", "1ms",
		"--dir", filepath.Join(t.TempDir(), "run"))
	for _, want := range []string{"syscall-x2 ", "index ", "index-x2 ", "built-in, 1 of 12 tests"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func TestBenchMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		`no built-in test "exec"`:    {"--tests", "exec"},
		"--rules":                    {"--rules", "x"},
		"--fail-over x: must":        {"--fail-over", "x"},
		"--dry-run and --json":       {"--dry-run", "--json"},
		"--order":                    {"--order", "random"},
		"goes on as it was begun":    {"--resume", ".", "--runs", "3"},
		"better=more":                {"--test", "name=a; run=b; better=more"},
		"--resume and --cpus":        {"--resume", ".", "--cpus", "0"},
		"--resume and --until-ci":    {"--resume", ".", "--until-ci", "1%"},
		"--copies: \"0\" is not":     {"--copies", "0"},
		"--import and --rules":       {"--import", "x", "--rules", "1"},
		"--runs 0":                   {"--runs", "0"},
		"is not a CPU":               {"--cpus", "x"},
		"test syscall occurs twice":  {"--tests", "syscall,syscall"},
		"scenario rules=1 occurs tw": {"--rules", "1,1"},
	} {
		if _, errs := runBench(t, exitUsage, args...); !strings.Contains(errs, want) {
			t.Errorf("%v: %q is not in %q", args, want, errs)
		}
	}
}
