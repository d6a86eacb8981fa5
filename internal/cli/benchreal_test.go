package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

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
