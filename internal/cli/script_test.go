package cli

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lsmprof/lsmprof/internal/golden"
)

// TestScripts runs the scripts in testdata/script, which use lsmprof as a user does.
func TestScripts(t *testing.T) {
	binary := publicCopy(t)
	sample, err := filepath.Abs("../../docs/sample/run")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: golden.Update(),
		Setup: func(env *testscript.Env) error {
			return os.Symlink(sample, filepath.Join(env.WorkDir, "run"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				exits(ts, binary, neg, args)
			},
			"oneline": oneline,
		},
		Condition: condition,
	})
}

// publicCopy copies the test binary to a folder where every user can run it. It is lsmprof if lsmprofEnv is set.
func publicCopy(t *testing.T) string {
	dir, err := os.MkdirTemp("", "lsmprof-script")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	copied, err := os.OpenFile(filepath.Join(dir, "lsmprof"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(copied, self)
	if err := errors.Join(err, copied.Close(), os.Chmod(copied.Name(), 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return copied.Name()
}

func condition(name string) (bool, error) {
	switch name {
	case "root":
		return os.Geteuid() == 0, nil
	case "guest":
		return os.Getenv("LSMPROF_GUEST") != "", nil
	}
	return false, errors.New("unknown condition " + name)
}

// exits runs lsmprof and compares its exit status, as in "exits 2 lsmprof --nope". With "exits 3 nobody lsmprof check"
// it runs without privileges.
func exits(ts *testscript.TestScript, binary string, neg bool, args []string) {
	cmd := exec.Command(binary)
	cmd.Dir = ts.MkAbs(".")
	if len(args) > 2 && args[1] == "nobody" {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir = filepath.Dir(binary) // others may not enter the script's folder
		args = append(args[:1], args[2:]...)
	}
	if neg || len(args) < 2 || args[1] != "lsmprof" {
		ts.Fatalf("usage: exits STATUS [nobody] lsmprof [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	cmd.Args = append(cmd.Args, args[2:]...)
	cmd.Env = append(os.Environ(), lsmprofEnv+"=1", "LSMPROF_RECORD_PID="+ts.Getenv("LSMPROF_RECORD_PID"))
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// oneline asserts that a stream has exactly one line, as in "oneline stderr".
func oneline(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: oneline stdout|stderr")
	}
	if s := ts.ReadFile(args[0]); strings.Count(s, "\n") != 1 || !strings.HasSuffix(s, "\n") {
		ts.Fatalf("%s is not one line:\n%s", args[0], s)
	}
}
