package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBenchSurvivesPowerLoss resets a guest in the middle of a bench. The run directory is on a disk that holds only
// synced data. After the next boot every finished round is there, and the rest is measured.
func TestBenchSurvivesPowerLoss(t *testing.T) {
	if os.Getenv("LSMPROF_VM") == "" {
		t.Skip("boots guests: set LSMPROF_VM=1")
	}
	work := t.TempDir()
	vm, lsmprof, disk := filepath.Join(work, "vm"), filepath.Join(work, "lsmprof"), filepath.Join(work, "disk")
	build := func(out, pkg string) {
		cmd := exec.Command("go", "build", "-ldflags=-w", "-o", out, "github.com/lsmprof/lsmprof/"+pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	build(vm, "internal/vmtest/cmd/vm")
	build(lsmprof, "cmd/lsmprof")
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	if text, err := exec.Command("mkfs.ext4", "-q", disk, "16M").CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, text)
	}
	const unreachable = 77
	boot := func(line string) (stdout, stderr string) {
		line = "set -e; mkdir -p /mnt/disk; mount -t ext4 /dev/nvme0n1 /mnt/disk; cd /mnt/disk; " + line
		cmd := exec.Command(vm, "-kernel", "6.1", "-smp", "1", "-timeout", "5m", "-disk", disk, "-in",
			lsmprof+":/usr/local/bin/lsmprof", "--", line)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run()
		if cmd.ProcessState.ExitCode() == unreachable {
			t.Skip(errs.String())
		}
		return out.String(), errs.String()
	}

	// sysrq b resets the machine without writing anything back. The six lines of a round may be counted before they
	// are synced.
	out, errs := boot(`lsmprof bench --enforcer none --same 2 --tests syscall,pipe --runs 3 --slice 10ms --dir run &
		lines() { wc -l <run/results.jsonl 2>/dev/null || echo 0; }
		until [ "$(lines)" -ge 12 ]; do sleep 0.1; done
		lines; sleep 0.2; echo b >/proc/sysrq-trigger; sleep 60`)
	var synced int
	if n, err := fmt.Sscan(out, &synced); n != 1 || !strings.Contains(errs,
		"the guest died while the command ran") {
		t.Fatalf("%v: %q\n%s", err, out, errs)
	}
	out, errs = boot(`cp run/results.jsonl before; lsmprof bench --resume run >/dev/null
		wc -l <before; wc -l <run/results.jsonl
		head -c "$(wc -c <before)" run/results.jsonl | cmp - before && echo same
		ls run | tr '\n' ' '`)
	var before, after int
	if n, err := fmt.Sscan(out, &before, &after); n != 2 {
		t.Fatalf("%v: %q\n%s", err, out, errs)
	}
	if want := 3 * 2 * 12; before < synced-6 || after != want {
		t.Errorf("%d lines at the reset, %d after it, %d in the end, want %d", synced, before, after, want)
	}
	if !strings.Contains(out, "same") || !strings.Contains(out, "analysis.json") {
		t.Errorf("%s\n%s", out, errs)
	}
	t.Logf("%d lines at the reset, %d after it, %d in the end", synced, before, after)
}
