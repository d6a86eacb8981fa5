package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built)
	os.Exit(code)
}

var built string // folder with the runner

// buildVM returns the runner, built as make does: static, because it is also the guest's init.
func buildVM(t *testing.T) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

var build = sync.OnceValues(func() (bin string, err error) {
	if built, err = os.MkdirTemp("", "vm"); err != nil {
		return "", err
	}
	bin = filepath.Join(built, "vm")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/lsmprof/lsmprof/internal/vmtest/cmd/vm")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	// Fetch the kernel beforehand, because fetching writes to stderr. If that fails, the first boot says so.
	_ = exec.Command(bin, "-kernel", "6.1", "-fetch").Run()
	return bin, nil
})

type outcome struct {
	stdout, stderr string
	status         int
}

// boot runs a real guest. Without LSMPROF_VM=1, which make test sets, go test stays quick and needs no QEMU.
func boot(t *testing.T, args ...string) outcome {
	t.Helper()
	if os.Getenv("LSMPROF_VM") == "" {
		t.Skip("boots guests: set LSMPROF_VM=1")
	}
	vm := buildVM(t)
	cmd := exec.Command(vm, append([]string{"-kernel", "6.1", "-smp", "1"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ee := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ee) {
		t.Fatal(err)
	}
	o := outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if o.status == exitUnreachable {
		t.Skip(o.stderr)
	}
	return o
}

// The output is whole, however much there is, and nothing that the command left running holds it up.
func TestStreamsFilesAndStatus(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	os.MkdirAll(filepath.Join(in, "sub"), 0o755)
	os.WriteFile(filepath.Join(in, "tool"), []byte("#!/bin/sh\necho from the tool\n"), 0o755)
	os.WriteFile(filepath.Join(in, "sub/text"), []byte("text\n"), 0o644)
	o := boot(t, "-timeout", "60s", "-in", in+":/data/in", "-out", "/data/out:"+out, "-out", "/tmp/single:"+out,
		"-out", "/missing:"+out, "--",
		"set -e; mkdir -p /data/out/deep; /data/in/tool > /data/out/deep/result;"+
			"cp /data/in/sub/text /tmp/single;"+
			"dd if=/dev/zero of=/data/out/large bs=1M count=8 2>/dev/null;"+
			"echo out; echo err >&2; dd if=/dev/zero bs=64k count=32 2>/dev/null; printf 'no newline';"+
			"sleep 1000 & exec 1>&-; exit 42")
	first, rest, _ := strings.Cut(o.stdout, "\n")
	if first != "out" || strings.Trim(rest, "\x00") != "no newline" || len(rest) != 2<<20+len("no newline") ||
		o.stderr != "err\n" || o.status != 42 {
		t.Errorf("status %d, %d bytes that begin with %q, stderr %q", o.status, len(o.stdout), first, o.stderr)
	}
	for name, want := range map[string]string{"deep/result": "from the tool\n", "single": "text\n"} {
		if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q (%v)", name, got, err)
		}
	}
	if st, err := os.Stat(filepath.Join(out, "large")); err != nil || st.Size() != 8<<20 {
		t.Errorf("large: %v (%v)", st, err)
	}
}

func TestSignalsAndMissingCommands(t *testing.T) {
	o := boot(t, "--", "kill -9 $$")
	if o.status != 128+9 || !strings.Contains(o.stderr, "signal 9") {
		t.Errorf("%+v", o)
	}
	if o := boot(t, "--", "no-such-command", "arg"); o.status != 127 {
		t.Errorf("%+v", o)
	}
}

func TestDeadlineShowsTheConsole(t *testing.T) {
	o := boot(t, "-timeout", "3s", "--",
		"echo before; echo marker > /dev/kmsg; dmesg -n 8; echo '<1>on the console' > /dev/kmsg; sleep 100")
	if o.status != exitDeadline || o.stdout != "before\n" || !strings.Contains(o.stderr, "on the console") ||
		!strings.Contains(o.stderr, "3s") {
		t.Errorf("%+v", o)
	}
}

func TestGuestThatDiesIsNotRunAgain(t *testing.T) {
	o := boot(t, "--", "echo once; sleep 2; echo c > /proc/sysrq-trigger; sleep 100")
	if o.status != exitFailed || o.stdout != "once\n" || !strings.Contains(o.stderr, "Kernel panic") {
		t.Errorf("%+v", o)
	}
}

func TestBootThatPanicsIsRetriedTwice(t *testing.T) {
	o := boot(t, "-append", "rdinit=/no/such/init root=/dev/none", "--", "echo never")
	tries := regexp.MustCompile(`(?m)^vm: .*died before the command started`).FindAllString(o.stderr, -1)
	if o.status != exitFailed || len(tries) != bootTriesShown || !strings.Contains(o.stderr, "panic") {
		t.Errorf("%d boots, status %d: %s", len(tries), o.status, o.stderr)
	}
}

// bootTriesShown is one boot and two retries.
const bootTriesShown = 3

func TestFileThatIsNoKernel(t *testing.T) {
	bogus := filepath.Join(t.TempDir(), "vmlinuz")
	os.WriteFile(bogus, []byte("not a kernel"), 0o644)
	o := boot(t, "-kernel", bogus, "--", "true")
	if o.status != exitFailed || !strings.Contains(o.stderr, "QEMU") || strings.Contains(o.stderr, "boot 1") {
		t.Errorf("%+v", o)
	}
}

func TestIcountMode(t *testing.T) {
	const line = "nproc; cat /sys/devices/system/clocksource/clocksource0/current_clocksource; echo $LSMPROF_ICOUNT"
	if o := boot(t, "-icount", "--", line); o.stdout != "1\ntsc\n1\n" || o.status != 0 {
		t.Errorf("%+v", o)
	}
}

func TestArm64Guest(t *testing.T) {
	out := t.TempDir()
	o := boot(t, "-kernel", "newest-arm64", "-icount", "-out", "/tmp/arch:"+out, "--",
		"uname -m > /tmp/arch; cat /tmp/arch; grep -c 'CPU implementer' /proc/cpuinfo")
	if o.stdout != "aarch64\n1\n" || o.status != 0 {
		t.Errorf("%+v", o)
	}
	if text, err := os.ReadFile(filepath.Join(out, "arch")); err != nil || string(text) != "aarch64\n" {
		t.Errorf("copied out: %q (%v)", text, err)
	}
}
