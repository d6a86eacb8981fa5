package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/enforcer/reference"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// container is a shell in its own mount namespace.
type container struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func newContainer(t *testing.T) *container {
	t.Helper()
	c := &container{cmd: exec.Command("sh")}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.in, c.out = in, bufio.NewScanner(out)
	t.Cleanup(func() {
		in.Close()
		c.cmd.Wait()
	})
	return c
}

// succeeds runs a shell line in the container and reports whether its exit status is 0.
func (c *container) succeeds(t *testing.T, line string) bool {
	t.Helper()
	fmt.Fprintf(c.in, "( %s ) >/dev/null 2>&1; echo $?\n", line)
	if !c.out.Scan() {
		t.Fatalf("the shell in the container has ended: %v", c.out.Err())
	}
	return c.out.Text() == "0"
}

func (c *container) pid() string { return fmt.Sprint(c.cmd.Process.Pid) }

// running is an `lsmprof enforce --json`.
type running struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	errors *bufio.Scanner
}

func startEnforce(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{cmd: lsmprof(append([]string{"enforce", "--json"}, args...)...)}
	in, err := r.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.in, r.out, r.errors = in, bufio.NewScanner(out), bufio.NewScanner(errs)
	t.Cleanup(func() {
		r.cmd.Process.Kill()
		r.cmd.Wait()
	})
	return r
}

// report returns the next line of stdout.
func (r *running) report(t *testing.T) reference.Status {
	t.Helper()
	if !r.out.Scan() {
		r.errors.Scan()
		t.Fatalf("no report; stderr: %s", r.errors.Text())
	}
	var report reference.Status
	if err := json.Unmarshal(r.out.Bytes(), &report); err != nil {
		t.Fatalf("%s: %v", r.out.Text(), err)
	}
	return report
}

// say writes a line to stdin.
func (r *running) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(r.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func TestEnforce(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t) // on the others, the tests of reference see the same denials
	before := vmtest.KernelIDs(t)
	secret := t.TempDir() + "/secret"
	if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, b, free := newContainer(t), newContainer(t), newContainer(t)
	var info syscall.Stat_t
	if err := syscall.Stat("/proc/"+b.pid()+"/ns/mnt", &info); err != nil {
		t.Fatal(err)
	}
	e := startEnforce(t, "--rules", "8", "--pid", a.pid(), "--pid", a.pid(), "--mntns", fmt.Sprint(info.Ino),
		"--deny-file", secret, "--deny-exec", "**/no-such", "--deny-net", "127.0.0.0/8:80",
		"--deny-mount", "**,fstype=tmpfs", "--deny-cap", "CAP_CHOWN", "--deny-ptrace")

	report := e.report(t)
	want := enforcer.Rules{File: 9, Exec: 9, Net: 9, Mount: 9, Cap: 9, Ptrace: 1}
	if report.Schema != "lsmprof/enforce/v1" || report.State != "enforcing" || report.Rules != want ||
		len(report.Programs) != 12 {
		t.Errorf("first report: %+v", report)
	}
	if len(report.MntNS) != 2 || !slices.Contains(report.MntNS, uint32(info.Ino)) {
		t.Errorf("namespaces %v, want two with %d", report.MntNS, info.Ino)
	}

	checkDenials := func(when string) {
		t.Helper()
		denied := []string{"cat " + secret, "mount -t tmpfs none /mnt", "chown 1 " + secret, "nc 127.0.0.1 80"}
		for _, line := range denied {
			for i, c := range []*container{a, b} {
				if c.succeeds(t, "mkdir -p /mnt; "+line) {
					t.Errorf("%s, container %d: %s is allowed", when, i, line)
				}
			}
		}
		allowed := []string{
			"cat " + secret, "mkdir -p /mnt; mount -t tmpfs none /mnt && umount /mnt", "chown 1 " + secret,
		}
		for _, line := range allowed {
			if !free.succeeds(t, line) {
				t.Errorf("%s, unconfined container: %s is denied", when, line)
			}
		}
		if !a.succeeds(t, "cat /proc/self/status; chmod 600 "+secret) {
			t.Errorf("%s: other files and capabilities are denied", when)
		}
	}
	checkDenials("8 rules")

	e.say(t, "file=2,net=1")
	want = enforcer.Rules{File: 3, Exec: 1, Net: 2, Mount: 1, Cap: 1, Ptrace: 1}
	if report := e.report(t); report.Rules != want {
		t.Errorf("after reload: %+v", report.Rules)
	}
	checkDenials("after reload")

	for _, bad := range []string{"file=65", "64", "bogus"} { // 64 rules and one of --deny-file are 65
		e.say(t, bad)
		if !e.errors.Scan() || !strings.HasPrefix(e.errors.Text(), "lsmprof: the rules stay as they are: ") {
			t.Errorf("answer to %q: %q", bad, e.errors.Text())
		}
	}
	e.say(t, "\n63") // an empty line changes nothing
	want = enforcer.Rules{File: 64, Exec: 64, Net: 64, Mount: 64, Cap: 24, Ptrace: 1}
	if report := e.report(t); report.Rules != want {
		t.Errorf("after bad lines: %+v", report.Rules)
	}
	e.in.Close()
	time.Sleep(300 * time.Millisecond)
	checkDenials("64 rules, after the end of stdin")

	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for e.errors.Scan() {
		t.Errorf("stderr at the end: %s", e.errors.Text())
	}
	if err := e.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if !a.succeeds(t, "cat "+secret) {
		t.Error("the policy is in force after the end")
	}
	vmtest.NothingNew(t, before)
}

// After SIGKILL the kernel removes everything.
func TestEnforceKilled(t *testing.T) {
	vmtest.Guest(t)
	before := vmtest.KernelIDs(t)
	c := newContainer(t)
	e := startEnforce(t, "--pid", c.pid(), "--deny-file", "/proc/version")
	e.report(t)
	if c.succeeds(t, "cat /proc/version") {
		t.Error("/proc/version can be read in spite of --deny-file")
	}
	e.cmd.Process.Kill()
	e.cmd.Wait()
	if !c.succeeds(t, "cat /proc/version") {
		t.Error("/proc/version cannot be read after the enforcer was killed")
	}
	vmtest.NothingNew(t, before)
}

func TestEnforceRefuses(t *testing.T) {
	vmtest.OnOneKernel(t)
	if _, err := os.Readlink("/proc/1/ns/mnt"); err != nil {
		t.Skipf("only root may look at the namespaces of other users: %v", err)
	}
	self := fmt.Sprint(os.Getpid())
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, 2, "give --pid or --mntns to say which mount namespace"},
		{
			[]string{"--pid", "1"},
			2,
			"is the host's own (that of PID 1), so all processes in it would be confined",
		},
		{[]string{"--pid", self}, 2, "--confine-host"},
		{[]string{"--pid", "4000000"}, 1, "pid 4000000: no such process"},
		{[]string{"--mntns", "17"}, 1, "mount namespace 17: no process is in it"},
		{[]string{"--mntns", "99999999999999"}, 2, "--mntns 99999999999999: must be a number from 1 to"},
		{[]string{"--pid", self, "--rules", "65"}, 2, "--rules: 65 rules of each type: at most 64 of a type"},
		{
			[]string{"--pid", self, "--rules", "file=64", "--deny-file", "/x"},
			2,
			"65 file rules: at most 64 of a type (fillers: 64, others: 1)",
		},
		{[]string{"--pid", self, "--rules", "bogus"}, 2, `"bogus" is no number of rules`},
		{[]string{"--pid", self, "--deny-file", "x"}, 2, `--deny-file: glob "x": must start with /`},
		{[]string{"--pid", self, "--deny-exec", "/a*b*"}, 2, "--deny-exec: glob"},
		{[]string{"--pid", self, "--deny-net", "x"}, 2, `--deny-net: address "x"`},
		{[]string{"--pid", self, "--deny-mount", "**,op=x"}, 2, "--deny-mount: mount rule"},
		{[]string{"--pid", self, "--deny-cap", "CAP_X"}, 2, `--deny-cap: unknown capability "CAP_X"`},
		{[]string{"--pid", self, "extra"}, 2, "extra"},
		{[]string{"--no-such-flag"}, 2, "unknown flag"},
	} {
		status, stderr := run(t, lsmprof(append([]string{"enforce"}, c.args...)...))
		if status != c.status || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("enforce %q: exit %d, %s; want %d, %q", c.args, status, stderr, c.status, c.want)
		}
	}
}
