package unixbench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func start(t *testing.T, suite *Suite, test string, o Options) *Parked {
	t.Helper()
	p, err := suite.Start(t.Context(), test, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func workDir(t *testing.T, dir string) string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(dir, "suite-*"))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("work directories %v, %v", dirs, err)
	}
	return dirs[0]
}

// A failure within a test must end it with a message, and never count as operations.
func TestSabotageIsNoticed(t *testing.T) {
	suite := extract(t)
	remove := func(names ...string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			for _, name := range names {
				if err := os.RemoveAll(filepath.Join(workDir(t, dir), name)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	replace := func(name, content string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(workDir(t, dir), name), []byte(content),
				0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name, test string
		sabotage   func(*testing.T, string)
		want       string
	}{
		{"work directory removed", "openclose", remove(""), "suite: openclose: open: errno 2: no such file"},
		{
			"work directory removed", "createunlink", remove(""),
			"suite: createunlink: create: errno 2: no such file",
		},
		{"file removed", "stat", remove("file"), "suite: stat: stat: errno 2: no such file"},
		{
			"file changed", "openclose", replace("file", "changed\n"),
			"suite: openclose: check: the file is not what it was",
		},
		{
			"file changed", "rename", replace("file", "changed\n"),
			"suite: rename: check: the file is not what it was",
		},
		{"name taken", "link", replace("other", ""), "suite: link: link: errno 17: file exists"},
		{"name taken", "symlink", replace("other", ""), "suite: symlink: symlink: errno 17: file exists"},
		{"source truncated", "fstime", replace("copy-source", "short"), "suite: fstime: read: a short read"},
		{
			"source changed", "fsdisk", replace("copy-source", strings.Repeat("x", 8000<<10)),
			"suite: fsdisk: check: the copy differs from its source",
		},
		{
			"shell missing", "shell1", replace("outer.sh", "#!/nonexistent/sh\n"),
			"suite: shell1: execve the script and its /bin/sh: errno 2: no such file",
		},
		{"script may not be executed", "shell1", func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(workDir(t, dir), "outer.sh"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "suite: shell1: execve the script and its /bin/sh: errno 13: permission denied"},
		{"input missing", "shell1", remove("input"), "suite: shell1: script: "},
		{"grep denied", "shell1", replace("inner.sh", "sort <input >sorted.$1\nod sorted.$1 >dump.$1\n"+
			"/nonexistent/grep match sorted.$1 | tee found.$1 | wc >count.$1\nrm sorted.$1 dump.$1 "+
			"found.$1 count.$1\n"), "suite: shell1: script: ./inner.sh: 3: "},
		{
			"silent wrong result", "shell8",
			replace("inner.sh", "sort -r <input >sorted.$1\ncp input dump.$1\ncp input found.$1\ncp "+
				"input count.$1\n"), "suite: shell8: check: sort did not sort",
		},
	} {
		t.Run(c.test+"/"+c.name, func(t *testing.T) {
			dir := t.TempDir()
			p := start(t, suite, c.test, Options{Dir: dir})
			if _, _, err := p.Slice(time.Millisecond, 0); err != nil {
				t.Fatal(err)
			}
			c.sabotage(t, dir)
			ops, _, err := p.Slice(20*time.Millisecond, 0)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d operations, error %v; want one with %q", ops, err, c.want)
			}
			if err := p.Close(); err == nil {
				t.Error("Close returns no error")
			}
			mustBeEmpty(t, dir)
		})
	}
}

func TestExeclNoticesItsProgramIsGone(t *testing.T) {
	suite := extract(t)
	p := start(t, suite, "execl", Options{})
	if err := suite.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Slice(time.Millisecond, 0); !errors.Is(err, syscall.ENOENT) ||
		!strings.Contains(err.Error(), "suite: execl: execve:") {
		t.Errorf("%v", err)
	}
}

func TestNoToolsNoShellTest(t *testing.T) {
	dir := t.TempDir()
	_, err := extract(t).Start(t.Context(), "shell1", Options{Dir: dir, Env: []string{"PATH=/nonexistent"}})
	if err == nil || !strings.Contains(err.Error(), "suite: shell1: script: ./inner.sh: 1: sort: not found") {
		t.Errorf("%v", err)
	}
	mustBeEmpty(t, dir)
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	suite := extract(t)
	for name, c := range map[string]struct {
		test string
		o    Options
	}{
		"no such test":      {"dhry2reg", Options{}},
		"no such directory": {"fstime", Options{Dir: "/nonexistent"}},
		"no such process":   {"pipe", Options{MountNSOf: 1 << 30}},
		"no such CPU":       {"pipe", Options{CPUs: []int{1000}}},
	} {
		if _, err := suite.Start(t.Context(), c.test, c.o); err == nil {
			t.Errorf("%s: the test started", name)
		}
	}
}

// Every way to end a test in the middle of a slice cleans up.
func TestSignalsCleanUp(t *testing.T) {
	suite := extract(t)
	for _, test := range Tests() {
		if !test.Builtin {
			continue
		}
		t.Run(test.Name, func(t *testing.T) {
			needsRoot(t, test.Name)
			dir := t.TempDir()
			cmd := exec.Command(suite.Path, test.Name, "--dir", dir, "--duration", "20")
			cmd.Env = defaultEnv()
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(60 * time.Millisecond)
			// Only the process gets the signal, not its group.
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("the test succeeded in spite of SIGTERM")
			}
			if stderr.Len() > 0 {
				t.Errorf("stderr: %s", stderr.String())
			}
			mustBeEmpty(t, dir)
		})
	}
}

func TestCancelEndsASlice(t *testing.T) {
	suite := extract(t)
	for _, test := range []string{"execl", "context1", "shell8", "fstime"} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		p, err := suite.Start(ctx, test, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(50*time.Millisecond, cancel)
		begun := time.Now()
		if _, _, err := p.Slice(time.Hour, 0); err == nil || time.Since(begun) > 2*time.Minute {
			t.Errorf("%s: %v after %v", test, err, time.Since(begun))
		}
		mustBeEmpty(t, dir)
		// Dead processes remain until init reaps them.
		for !errors.Is(syscall.Kill(-p.PID(), 0), syscall.ESRCH) {
			if time.Since(begun) > 3*time.Minute {
				t.Fatalf("%s: its process group still exists", test)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// If lsmprof is killed, standard input ends, and the tests end with it.
func TestKilledRunnerLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(extract(t).Path, "fstime", "--sliced", "--dir", dir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	mustBeEmpty(t, dir)
}

func TestKilledTestLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	p := start(t, extract(t), "fstime", Options{Dir: dir})
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Slice(time.Millisecond, 0); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("%v", err)
	}
	mustBeEmpty(t, dir)
}
