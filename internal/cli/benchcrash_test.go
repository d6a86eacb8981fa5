package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

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
