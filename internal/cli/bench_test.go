package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
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

// A dry run that continues prints what is left of that run, not what a new one would do.
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

// startBench starts lsmprof as a process of its own.
func startBench(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", append([]string{"bench"}, args...)...)
	cmd.Env = append(os.Environ(), lsmprofEnv+"=1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(errs.String())
		}
	})
	return cmd
}

// waitForLines waits until the journal has n lines.
func waitForLines(t *testing.T, dir string, n int) []byte {
	t.Helper()
	for range 6000 {
		data, _ := os.ReadFile(filepath.Join(dir, "results.jsonl"))
		if bytes.Count(data, []byte("\n")) >= n {
			return data
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("fewer than %d results after 5 minutes", n)
	return nil
}

// children returns the processes that a bench started.
func children(t *testing.T, workdir string) []string {
	t.Helper()
	var found []string
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, l := range links {
		if exe, err := os.Readlink(l); err == nil && strings.HasPrefix(exe, workdir) {
			found = append(found, l)
		}
	}
	return found
}

func TestBenchSurvivesKill(t *testing.T) {
	needRoot(t)
	vmtest.OnOneKernel(t)
	for name, signal := range map[string]syscall.Signal{"kill -9": syscall.SIGKILL, "Ctrl-C": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			dir, work := filepath.Join(t.TempDir(), "run"), t.TempDir()
			cmd := startBench(t, "--enforcer", "none", "--same", "2", "--tests", "syscall,pipe", "--runs",
				"2", "--slice", "10ms", "--warmup", "1ms",
				"--dir", dir, "--workdir", work)
			waitForLines(t, dir, 6)
			if len(children(t, work)) == 0 {
				t.Error("found no running copies")
			}
			cmd.Process.Signal(signal)
			cmd.Wait()
			before, _ := os.ReadFile(filepath.Join(dir, "results.jsonl"))
			var left []string
			for range 6000 {
				if left = children(t, work); len(left) == 0 {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			if len(left) > 0 {
				t.Errorf("copies are left: %v", left)
			}
			stale, _ := os.ReadDir(work)
			if killed := signal == syscall.SIGKILL; killed != (len(stale) == 1) {
				t.Errorf("%d work folders are left", len(stale))
			}
			runBench(t, 0, "--resume", dir, "--workdir", work)
			if left, _ := os.ReadDir(work); len(left) > 0 {
				t.Errorf("%s is left in the end", left[0])
			}
			after, _ := os.ReadFile(filepath.Join(dir, "results.jsonl"))
			if !bytes.HasPrefix(after, before) {
				t.Error("results of the first bench have changed")
			}
			if got, want := bytes.Count(after, []byte("\n")), 3*2*8; got != want {
				t.Errorf("%d lines, want %d", got, want)
			}
		})
	}
}

// A scenario that commands set up does not stay in force. If the terminal is lost, lsmprof tears it down; after kill -9
// the bench that continues does.
func TestScenariosDoNotOutliveABench(t *testing.T) {
	needRoot(t)
	obeyHangup(t)
	vmtest.OnOneKernel(t)
	for name, signal := range map[string]syscall.Signal{"hangup": syscall.SIGHUP, "kill -9": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			work := t.TempDir()
			flag, file, dir := filepath.Join(work, "flag"), filepath.Join(work,
				"s.yaml"), filepath.Join(work, "run")
			t.Setenv("FLAG", flag)
			slow := strings.Replace(slowScenario, "run: echo 7",
				`run: if [ -e "$FLAG" ]; then sleep 60; fi; echo 7`, 1)
			if err := os.WriteFile(file, []byte(slow), 0o644); err != nil {
				t.Fatal(err)
			}
			args := []string{
				"--scenarios", file, "--runs", "3", "--profile", "off", "--dir", dir,
				"--workdir", work,
			}
			cmd := startBench(t, args...)
			for range 6000 {
				if _, err := os.Stat(flag); err == nil {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			cmd.Process.Signal(signal)
			cmd.Wait()
			if _, err := os.Stat(flag); (err == nil) != (signal == syscall.SIGKILL) {
				t.Fatalf("in force after the signal: %v", err)
			}
			os.WriteFile(file, nil, 0o644) // a run has its scenarios in run.json
			startBench(t, "--resume", dir, "--profile", "off", "--workdir", work)
			if signal == syscall.SIGKILL {
				for range 6000 {
					if _, err := os.Stat(flag); err != nil {
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
				if _, err := os.Stat(flag); err == nil {
					t.Error("the scenario is still in force in the bench that continues")
				}
			}
		})
	}
}

func TestBenchRefusesASecond(t *testing.T) {
	needRoot(t)
	vmtest.OnOneKernel(t)
	dir := filepath.Join(t.TempDir(), "run")
	startBench(t, "--enforcer", "none", "--same", "2", "--tests", "syscall", "--runs", "100", "--dir", dir)
	waitForLines(t, dir, 1)
	const want = "another lsmprof bench is working on it"
	if _, errs := runBench(t, exitFailed, "--resume", dir); !strings.Contains(errs, want) {
		t.Error(errs)
	}
}

func TestBenchOnAFullDisk(t *testing.T) {
	needRoot(t)
	vmtest.OnOneKernel(t)
	mount := t.TempDir()
	if err := unix.Mount("none", mount, "tmpfs", 0, "size=32k"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(mount, unix.MNT_DETACH)
	dir := filepath.Join(mount, "run")
	args := []string{
		"--enforcer", "none", "--same", "3", "--tests", "syscall,pipe", "--runs", "3", "--slice",
		"2ms", "--warmup", "1ms", "--dir", dir,
	}
	_, errs := runBench(t, exitFailed, args...)
	want := "the file system is full; make room; `lsmprof bench --resume " + dir + "` continues from here\n"
	if !strings.HasSuffix(errs, want) || strings.Contains(errs, "no space left") {
		t.Fatal(errs)
	}
	before, _ := os.ReadFile(filepath.Join(dir, "results.jsonl"))
	if err := unix.Mount("none", mount, "tmpfs", unix.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	runBench(t, 0, "--resume", dir)
	after, _ := os.ReadFile(filepath.Join(dir, "results.jsonl"))
	if !bytes.HasPrefix(after, before) || bytes.Count(after, []byte("\n")) != 4*2*12 {
		t.Errorf("%d lines, %d before", bytes.Count(after, []byte("\n")), bytes.Count(before, []byte("\n")))
	}
}

// The programs of UnixBench itself run, if UNIXBENCH_DIR names a built byte-unixbench.
func TestBenchOfTheRealUnixBench(t *testing.T) {
	needRoot(t)
	source := os.Getenv("UNIXBENCH_DIR")
	if source == "" {
		t.Skip("UNIXBENCH_DIR names no built byte-unixbench")
	}
	dir := filepath.Join(t.TempDir(), "run")
	out, _ := runBench(t, 0, "--enforcer", "none", "--same", "2", "--unixbench", source, "--tests",
		"execl,syscall,pipe", "--runs", "2", "--dir", dir,
		"-o", "json")
	var doc struct {
		Cells []rundir.Cell
		Index []rundir.Index
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Cells) != 9 || len(doc.Index) != 2 || len(doc.Index[0].PerTest) != 3 || doc.Index[0].System <= 0 {
		t.Errorf("%d cells, index %+v", len(doc.Cells), doc.Index)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "raw", "baseline", "syscall-0.txt"))
	if err != nil || !strings.Contains(string(raw), "COUNT|") {
		t.Errorf("%v: %q is not what UnixBench prints", err, raw)
	}
}

// checkLabels checks that every sample of a profile, and its comments, name the test, the scenario and its score.
func checkLabels(t *testing.T, file, scenario string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := pprof.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Sample) == 0 {
		t.Errorf("%s has no samples", file)
	}
	for _, s := range p.Sample {
		score, loss := strings.Join(s.Label["score"], ""), strings.Join(s.Label["loss"], "")
		if strings.Join(s.Label["scenario"], "") != scenario ||
			strings.Join(s.Label["test"], "") != "openclose" ||
			!strings.HasSuffix(score, " lps") || !strings.HasSuffix(loss, " %") {
			t.Fatalf("%s: a sample has the labels %v", file, s.Label)
		}
		if comments := strings.Join(p.Comments, "\n"); !strings.Contains(comments, "score: "+score) ||
			!strings.Contains(comments, "loss: "+loss) {
			t.Fatalf("%s: comments %q", file, comments)
		}
	}
}

// oneOpenEach reports whether openclose called file_open once in each operation. A slice may end after the call and
// before its operation is counted. On a slow machine, with few operations in a slice, that is more than 1 %.
func oneOpenEach(c rundir.Cell) bool {
	const slices = 8
	ops := c.Profile.Ops
	return c.Profile.Calls >= 0.99 && c.Profile.Calls*ops <= max(1.01*ops, ops+slices)
}

// checkSyscalls checks that the syscalls of an operation were timed. It does not compare times: they come from
// different passes, and an emulated machine can be slow in one of them.
func checkSyscalls(t *testing.T, dir string) {
	t.Helper()
	run, err := rundir.Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range []string{"no-policy", "allow", "rules=8"} {
		e := run.Explained["openclose"][scenario]
		open := e.Syscall("openat")
		if open == nil || open.Calls < 0.9 || open.Calls > 1.1 || e.Syscall("close") == nil {
			t.Fatalf("openclose under %s: %+v, want one openat and one close each", scenario, e.Syscalls)
		}
		if pipe := run.Explained["pipe"][scenario]; pipe.Syscall("read") == nil ||
			pipe.Syscall("openat") != nil {
			t.Errorf("pipe under %s: %+v", scenario, pipe.Syscalls)
		}
		for _, row := range e.Rows {
			s := e.Syscall(row.Syscall)
			if s == nil && row.Calls > 1e-4 {
				t.Errorf("%s runs in %s under %s, but that syscall was not timed", row.Hook,
					row.Syscall, scenario)
			}
		}
		t.Logf("%s: openat takes %.0f ns, its hooks %.0f", scenario, open.Ns, e.HookNs)
	}
}

// The profiles fit what is known about the tests, and nothing of the reference enforcer stays attached.
func TestBenchOfTheReference(t *testing.T) {
	if vmtest.Guest(t).AtLeast(5, 18) { // before, lsmprof probes hooks
		vmtest.OnOneKernel(t)
	}
	dir := filepath.Join(t.TempDir(), "run")
	out, _ := runBench(t, 0, "--tests", "openclose,pipe", "--runs", "1", "--slice", "5ms", "--warmup", "1ms",
		"--rules", "8", "--dir", dir, "-o", "json")
	var doc struct{ Cells []rundir.Cell }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	for _, c := range doc.Cells {
		if c.Scenario != "rules=8" {
			continue
		}
		switch {
		case c.Exposed == nil:
			t.Errorf("%s has no profile", c.Test)
		case c.Test == "pipe" && *c.Exposed:
			t.Errorf("pipe is exposed: %+v", c.Profile)
		case c.Test == "openclose" && (!*c.Exposed || !oneOpenEach(c)):
			t.Errorf("openclose: %+v, want one call of file_open each", c.Profile)
		}
	}
	checkSyscalls(t, dir)
	for _, scenario := range []string{"no-policy", "allow", "rules=8"} {
		checkLabels(t, filepath.Join(dir, "profiles", scenario, "openclose.pb.gz"), scenario)
	}
	journal, _ := os.ReadFile(filepath.Join(dir, "results.jsonl"))
	for line := range strings.Lines(string(journal)) {
		var r rundir.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		var want enforcer.Rules
		if r.Scenario == "rules=8" {
			want = enforcer.Rules{File: 8, Exec: 8, Net: 8, Mount: 8, Cap: 8, Ptrace: 1}
		}
		if r.InForce == nil || r.InForce.Policies["reference"] != want {
			t.Errorf("%s: %+v was in force", r.Scenario, r.InForce)
		}
		installed := r.Scenario != "not-installed" && r.Scenario != rundir.SecondBaselineName
		if r.InForce != nil && installed != (r.InForce.Programs["reference"] == 12) {
			t.Errorf("%s: %+v was in force", r.Scenario, r.InForce)
		}
	}
	var list, errs bytes.Buffer
	if code := Main([]string{"list"}, nil, &list, &errs); code != 0 ||
		strings.Contains(list.String(), "reference") {
		t.Errorf("list after the bench: exit status %d, %s%s", code, &list, &errs)
	}
}
