package unixbench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/unixbench/score"
)

// Real runs the programs of a built byte-unixbench one pass at a time, without its Run script.
type Real struct {
	// Dir is the directory that has pgms and testdir, or the repository whose UnixBench directory has them.
	Dir string
	// Build lets Prepare call make if programs are missing.
	Build bool
	// MountNSOf and CPUs are as in Options.
	MountNSOf int
	CPUs      []int
}

const (
	// maxBinDir is the longest path of the programs, in bytes: their own buffers have 256.
	maxBinDir = 240
	// grace is the time that a program may take in addition to its duration: the file copies prime and sync for 15
	// s.
	grace = 90 * time.Second
)

// Prepare finds the programs, and builds them if Build is set.
func (r *Real) Prepare(ctx context.Context) error {
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "UnixBench", "pgms")); err == nil {
		dir = filepath.Join(dir, "UnixBench")
	}
	if _, err := os.Stat(filepath.Join(dir, "testdir")); err != nil {
		return fmt.Errorf("%s is not a byte-unixbench: %w; give the directory that has Run, pgms and testdir",
			dir, err)
	}
	r.Dir = dir
	if len(r.binDir()) > maxBinDir {
		return fmt.Errorf("%s: UnixBench breaks with paths over %d bytes; move it", r.binDir(), maxBinDir)
	}
	if missing := r.missing(); missing != "" {
		if !r.Build {
			return fmt.Errorf("%s is not built: it has no pgms/%s; run make there", dir, missing)
		}
		if err := r.build(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *Real) missing() string {
	for _, name := range []string{
		"execl", "spawn", "syscall", "pipe", "context1", "fstime", "looper", "multi.sh",
		"dhry2reg", "whetstone-double",
	} {
		if _, err := os.Stat(filepath.Join(r.binDir(), name)); err != nil {
			return name
		}
	}
	return ""
}

func (r *Real) build(ctx context.Context) error {
	cmd := command(ctx, nil, "make")
	cmd.Dir = r.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make in %s: %w: %s; 6.0.0 needs a gcc before 15, 6.0.1 builds with any", r.Dir, err,
			lastLine(out))
	}
	if missing := r.missing(); missing != "" {
		return fmt.Errorf("make in %s made no pgms/%s; look at its output", r.Dir, missing)
	}
	return nil
}

var versionText = regexp.MustCompile(`(?i)\$?version\s*=>?\s*["']([0-9][^"']*)["']`)

// Version returns the version that Run prints, or "" if it has none.
func (r *Real) Version() string {
	text, err := os.ReadFile(filepath.Join(r.Dir, "Run"))
	if err != nil {
		return ""
	}
	if m := versionText.FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return ""
}

func (r *Real) binDir() string { return filepath.Join(r.Dir, "pgms") }

// Run runs one pass of d, rounded up to whole seconds. Whetstone takes its own time.
func (r *Real) Run(ctx context.Context, test string, d time.Duration) (Result, error) {
	t, ok := Find(test)
	if !ok || !t.Real {
		return Result{}, fmt.Errorf("UnixBench has no index test %q", test)
	}
	// The programs take 0 as no limit.
	seconds := max(int((d+time.Second-1)/time.Second), 1)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Duration(seconds)*time.Second+grace)
	defer cancel()
	work, err := r.workDir()
	if err != nil {
		return Result{}, fmt.Errorf("UnixBench's work directory: %w; it must be possible to write in %s", err,
			r.Dir)
	}
	defer os.RemoveAll(work)

	program, args := r.arguments(test, strconv.Itoa(seconds), work)
	cmd := command(ctx, nil, program, args...)
	cmd.Dir = filepath.Join(r.Dir, "testdir")
	cmd.Env = append(defaultEnv(), "UB_BINDIR="+r.binDir())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	release, err := startIn(cmd, r.MountNSOf, r.cpus(test))
	if err != nil {
		return Result{}, fmt.Errorf("run UnixBench's %s: %w", test, err)
	}
	defer release()
	// The end of stderr comes last: context1's child holds it a little longer.
	err = reap(cmd)
	elapsed := time.Since(start)
	if err != nil {
		r.removeLeftovers(start)
		return Result{}, realFailure(ctx, test, stderr.String(), err)
	}
	pass, err := score.ParseOutput(stderr.String(), elapsed)
	if err != nil {
		return Result{}, fmt.Errorf("UnixBench's %s: %w", test, err)
	}
	result := t.result(pass, stdout.String()+stderr.String())
	result.CPU = cpuTime(cmd)
	return result, nil
}

// workDir makes a directory where Run makes its own, so that the file copies use the same file system. What a killed
// test leaves is removed with it.
func (r *Real) workDir() (string, error) {
	tmp := filepath.Join(r.Dir, "tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(tmp, "lsmprof-")
}

func (t Test) result(p score.Pass, output string) Result {
	elapsed := time.Duration(p.Time * float64(time.Second))
	ops := uint64(p.Count)
	if p.Timebase == 0 {
		ops = 0
		if t.bytes > 0 {
			ops = uint64(p.Count*1024/float64(t.bytes)*p.Time + 0.5)
		}
	}
	return Result{
		Test: t.Name, Count: p.Count, Elapsed: elapsed, Unit: p.Unit, Score: p.Value(), Ops: ops,
		Output: output,
	}
}

func (r *Real) arguments(test, seconds, work string) (program string, args []string) {
	bin := func(name string) string { return filepath.Join(r.binDir(), name) }
	fileCopy := func(size, blocks string) (string, []string) {
		return bin("fstime"), []string{"-c", "-t", seconds, "-d", work, "-b", size, "-m", blocks}
	}
	switch test {
	case "fstime":
		return fileCopy("1024", "2000")
	case "fsbuffer":
		return fileCopy("256", "500")
	case "fsdisk":
		return fileCopy("4096", "8000")
	case "shell1", "shell8":
		return bin("looper"), []string{seconds, bin("multi.sh"), strings.TrimPrefix(test, "shell")}
	case "whetstone-double":
		return bin(test), nil
	}
	return bin(test), []string{seconds}
}

// cpus pins context1 to one CPU. It is ten times as fast on one as on two, and the scheduler would change between them.
func (r *Real) cpus(test string) []int {
	cpus := r.CPUs
	if test != "context1" {
		return cpus
	}
	if len(cpus) == 0 {
		cpus, _ = kernel.AllowedCPUs(0) // without them, the test runs anywhere
	}
	if len(cpus) == 0 {
		return nil
	}
	highest := cpus[0]
	for _, cpu := range cpus {
		highest = max(highest, cpu)
	}
	return []int{highest}
}

// removeLeftovers removes the files that a killed shell test leaves in testdir.
func (r *Real) removeLeftovers(since time.Time) {
	for _, name := range []string{"sort", "od", "grep", "wc"} {
		files, _ := filepath.Glob(filepath.Join(r.Dir, "testdir", name+".[0-9]*"))
		for _, file := range files {
			if info, err := os.Stat(file); err == nil &&
				!info.ModTime().Before(since.Truncate(time.Second)) {
				_ = os.Remove(file)
			}
		}
	}
}

func realFailure(ctx context.Context, test, stderr string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("UnixBench's %s: %w", test, context.Cause(ctx))
	}
	first, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	var exit *exec.ExitError
	if first == "" && errors.As(err, &exit) {
		return fmt.Errorf("UnixBench's %s: %w, with nothing on stderr; run it by hand to see why", test, err)
	}
	return fmt.Errorf("UnixBench's %s: %w: %.200q; a rule may deny it, or it was built for another machine", test,
		err, first)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
