package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// lsmprof returns the command line args as a process of its own: this test binary, which is lsmprof if lsmprofEnv is
// set.
func lsmprof(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), lsmprofEnv+"=1")
	return cmd
}

// run waits for cmd and returns its exit status and stderr.
func run(t *testing.T, cmd *exec.Cmd) (status int, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), errs.String()
}

func waitForFile(t *testing.T, path string) {
	t.Helper()
	vmtest.WaitFor(t, path, func() bool {
		_, err := os.Stat(path)
		return err == nil
	})
}

func TestNothingStaysInTheKernel(t *testing.T) {
	vmtest.Guest(t)
	obeyHangup(t)
	startReference(t, map[uint32]enforcer.Rules{})
	before := vmtest.KernelIDs(t)
	for _, c := range []struct {
		name    string
		signal  os.Signal
		status  int
		command []string
	}{
		{"interrupt", os.Interrupt, 0, []string{"record", "--output", "profile"}},
		{"hangup", syscall.SIGHUP, 0, []string{
			"record", "--output", "profile", "--calibrate=off", "--hook",
			"file_open",
		}},
		{"kill", os.Kill, -1, []string{"record", "--output", "profile", "--stacks", "--calibrate=off"}},
		{"trace interrupt", os.Interrupt, 0, []string{"trace", "--calibrate=off", "--hook", "file_open"}},
		{"trace kill", os.Kill, -1, []string{"trace", "--calibrate=off", "--stack", "--args"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			cmd := lsmprof(append(c.command, "--ready-file", "ready")...)
			cmd.Dir = dir
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitForFile(t, filepath.Join(dir, "ready"))
			if slices.Equal(before, vmtest.KernelIDs(t)) {
				t.Fatal("no program of lsmprof is loaded while it records")
			}
			cmd.Process.Signal(c.signal)
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("exit status %d, want %d", got, c.status)
			}
			vmtest.NothingNew(t, before)
			_, err := os.Stat(filepath.Join(dir, "profile"))
			if wrote := c.status == 0 && c.command[0] == "record"; (err == nil) != wrote {
				t.Errorf("profile: %v, want it: %v", err, wrote)
			}
		})
	}
}

// In its own process, without garbage collection, which would close what a command or an earlier test left open.
func TestCommandsLeaveNoDescriptors(t *testing.T) {
	const alone = "LSMPROF_TEST_ALONE"
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	if os.Getenv(alone) == "" {
		startReference(t, map[uint32]enforcer.Rules{})
		cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), alone+"=1", "GOGC=off")
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	for _, c := range []struct {
		status int
		line   string
	}{
		{0, "record --output - -d 1ms"},
		{0, "record --output - -d 1ms --calibrate=off --hook file_open --each-rule=1ms"},
		{0, "trace -d 1ms --calibrate=off --hook file_open"},
		{0, "list --rules"},
		{1, "bench --dry-run"}, // the reference enforcer is attached already
	} {
		run := func() {
			var out, errs bytes.Buffer
			if code := Main(strings.Fields(c.line), nil, &out, &errs); code != c.status {
				t.Fatalf("%s: exit status %d: %s", c.line, code, &errs)
			}
		}
		run() // the Go runtime and the kernel open some descriptors once
		before := descriptors(t)
		run()
		if after := descriptors(t); !slices.Equal(before, after) {
			t.Errorf("%s: open: %v, before: %v", c.line, after, before)
		}
	}
}

func descriptors(t *testing.T) (open []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(to, "/proc/") {
			open = append(open, to)
		}
	}
	slices.Sort(open)
	return open
}

func TestRecordCommand(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	startReference(t, map[uint32]enforcer.Rules{})
	out := filepath.Join(t.TempDir(), "profile")
	for script, want := range map[string]int{"exit 7": 7, "kill -9 $$": 137, "true": 0} {
		cmd := lsmprof("record", "--calibrate=off", "--output", out, "--", "sh", "-c", script)
		if got, stderr := run(t, cmd); got != want {
			t.Errorf("%s: exit status %d, want %d: %s", script, got, want, stderr)
		}
	}
	missing := map[string]int{"/no/such/command": 127, "nosuchcommand": 127, "/etc/passwd": 126, "/etc": 126}
	for command, want := range missing {
		got, stderr := run(t, lsmprof("record", "--output", out, "--", command))
		if got != want || oneLine(stderr) != nil {
			t.Errorf("%s: exit status %d, want %d: %q", command, got, want, stderr)
		}
	}
}

// oneLine returns an error unless stderr is a single line of lsmprof, beside log messages.
func oneLine(stderr string) error {
	var lines []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "level=") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "lsmprof: ") {
		return fmt.Errorf("want one line of lsmprof, got %q", stderr)
	}
	return nil
}

func TestRecordRefuses(t *testing.T) {
	r := vmtest.Guest(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "profile")
	refuses := func(t *testing.T, cmd *exec.Cmd, status int, says string) {
		t.Helper()
		got, stderr := run(t, cmd)
		if got != status || !strings.Contains(stderr, says) {
			t.Errorf("exit status %d: %s\nwant %d and %q", got, stderr, status, says)
		}
		if err := oneLine(stderr); err != nil {
			t.Error(err)
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 {
			t.Errorf("left behind: %v", files)
		}
	}
	t.Run("no program", func(t *testing.T) {
		refuses(t, lsmprof("record", "--output", out), 1, "no BPF LSM program is attached")
	})
	startReference(t, map[uint32]enforcer.Rules{})
	t.Run("no root", func(t *testing.T) {
		cmd := lsmprof("record", "--output", filepath.Join(os.TempDir(), "profile"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		refuses(t, cmd, 1, "root")
	})
	t.Run("unknown flag", func(t *testing.T) {
		refuses(t, lsmprof("record", "--nonsense"), 2, "--nonsense")
	})
	t.Run("unwritable output", func(t *testing.T) {
		refuses(t, lsmprof("record", "--output", "/proc/profile"), 1, "/proc/profile")
	})
	t.Run("nothing selected", func(t *testing.T) {
		refuses(t, lsmprof("record", "--output", out, "--program", "varmor_*"), 1, "none of the")
	})
	if !r.AtLeast(5, 18) {
		return // lsmprof probes hooks instead of programs
	}
	t.Run("no BTF", func(t *testing.T) {
		attachLSM(t, &ebpf.ProgramSpec{
			Name: "bare", Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "task_getpgid",
			License:      "GPL",
			Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
		})
		refuses(t, lsmprof("record", "--output", out, "--program", "bare"), 1, "without BTF")
	})
	t.Run("all trampoline links taken", func(t *testing.T) {
		target := attachLSM(t, &ebpf.ProgramSpec{
			Name: "crowded", Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "task_getpgid",
			License:      "GPL",
			Instructions: withBTF("crowded"),
		})
		// The limit is between 36 and 40, depending on the kernel.
		for n := 0; attachFentry(t, target, "crowded"); n++ {
			if n > 100 {
				t.Fatal("the function takes more than 100 links")
			}
		}
		refuses(t, lsmprof("record", "--output", out, "--program", "crowded"), 1,
			"Stop another enforcer or tracer")
	})
}

// withBTF returns instructions that return 0, with the BTF that a compiler would emit.
func withBTF(name string) asm.Instructions {
	proto := &btf.FuncProto{
		Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Void{}}}},
	}
	return asm.Instructions{
		btf.WithFuncMetadata(asm.Mov.Imm(asm.R0, 0),
			&btf.Func{Name: name, Type: proto, Linkage: btf.GlobalFunc}).WithSymbol(name),
		asm.Return(),
	}
}

func attachLSM(t *testing.T, spec *ebpf.ProgramSpec) *ebpf.Program {
	t.Helper()
	prog, err := lsm.Load(spec)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.AttachLSM(link.LSMOptions{Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); prog.Close() })
	return prog
}

// attachFentry attaches one more program to target, and reports false if the function is full.
func attachFentry(t *testing.T, target *ebpf.Program, function string) bool {
	t.Helper()
	prog, err := lsm.Load(&ebpf.ProgramSpec{
		Name: "occupant", Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTarget: target,
		AttachTo: function,
		License:  "GPL", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.AttachTracing(link.TracingOptions{Program: prog})
	if errors.Is(err, unix.E2BIG) {
		prog.Close()
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); prog.Close() })
	return true
}

// If the command ignores the signal, record kills it and writes the profile.
func TestRecordKillsACommandThatIgnoresSignals(t *testing.T) {
	vmtest.Guest(t)
	vmtest.OnOneKernel(t)
	startReference(t, map[uint32]enforcer.Rules{})
	dir := t.TempDir()
	profile, trapped := filepath.Join(dir, "profile"), filepath.Join(dir, "trapped")
	cmd := lsmprof("record", "--calibrate=off", "--output", profile, "--",
		"sh", "-c", "trap '' TERM INT; echo >"+trapped+"; while :; do sleep 1; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitForFile(t, trapped)
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 137 {
		t.Errorf("exit status %d, want 137, that of the killed command", got)
	}
	if _, err := os.Stat(profile); err != nil {
		t.Error(err)
	}
}
