package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

const (
	vmtestPath = "github.com/lsmprof/lsmprof/internal/vmtest"
	// Most machines have two cores or more; further guests would only slow each other down.
	guestsAtOnce = 2
	// guestTimeout is the limit of a package's tests in one guest, in CPU time; the slowest package takes a third
	// of it.
	guestTimeout = 10 * time.Minute
	// wallFactor times guestTimeout, by the guest's own clock, is the -test.timeout that shows where tests hang.
	wallFactor = 3
)

// kernelTests is a package whose tests run in guests, compiled once for all of them.
type kernelTests struct {
	path, dir string
	binary    string
	tests     []string // those to run in guests
}

// guests runs every package's kernel tests on every kernel: the tests that onHost did not settle.
func (rs *results) guests(ctx context.Context, out io.Writer, kernels, icount []string, onHost settled) {
	work, err := os.MkdirTemp("", "lsmprof-test-")
	if err != nil {
		rs.add(out, result{name: "guests", err: err})
		return
	}
	defer os.RemoveAll(work)
	began := time.Now()
	runner, pkgs, err := compile(ctx, work, onHost)
	rs.add(out, result{name: "compile kernel tests", took: time.Since(began), err: err})
	if err != nil {
		return
	}
	kernels = rs.reachable(ctx, out, kernels)
	all := guestRuns(pkgs, kernels, icount)
	one := oneKernel(kernels)
	slots := make(chan struct{}, guestsAtOnce)
	var running sync.WaitGroup
	for _, g := range all {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() == nil {
				rs.add(out, g.run(ctx, runner, one))
			}
		})
	}
	running.Wait()
}

// guestRun is one boot: some tests of a package on a kernel.
type guestRun struct {
	kernelTests
	kernel string
	pass   pass
}

// guestRuns plans the boots. Those with most tests come first, so that nothing long is left alone at the end.
func guestRuns(pkgs []kernelTests, kernels, icount []string) []guestRun {
	var all []guestRun
	for _, kernel := range kernels {
		for _, p := range pkgs {
			for _, pass := range []pass{plain, exact, twoCPUs, pods} {
				switch {
				case pass == exact && !slices.Contains(icount, kernel):
					continue
				// The container runtime does not depend on the kernel, and starting it takes its time.
				case pass == pods && kernel != oneKernel(kernels):
					continue
				}
				run := guestRun{p, kernel, pass}
				run.tests = slices.DeleteFunc(slices.Clone(p.tests),
					func(name string) bool { return passOf(name) != pass })
				if len(run.tests) > 0 {
					all = append(all, run)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b guestRun) int { return len(b.tests) - len(a.tests) })
	return all
}

// reachable fetches the kernels. One that the mirrors do not have is skipped and says so; any other failure is a
// failure.
func (rs *results) reachable(ctx context.Context, out io.Writer, kernels []string) []string {
	var have []string
	for _, k := range kernels {
		vmlinuz, err := vmtest.Kernel(ctx, k, out)
		switch {
		case errors.Is(err, vmtest.ErrUnreachable):
			rs.add(out, result{name: "kernel " + k, skipped: err.Error()})
		case err != nil:
			rs.add(out, result{name: "kernel " + k, err: err})
		default:
			fmt.Fprintf(out, "kernel %s: %s %s\n", k, vmlinuz, vmtest.KernelVersion(vmlinuz))
			have = append(have, k)
		}
	}
	if len(have) == 0 && !slices.Contains(kernels, vmtest.Distro) && ctx.Err() == nil {
		// Better the kernel of this machine's own distribution than none.
		return rs.reachable(ctx, out, []string{vmtest.Distro})
	}
	return have
}

// compile builds the runner and the test binary of every package whose tests use vmtest.Guest.
func compile(ctx context.Context, work string, onHost settled) (runner string, pkgs []kernelTests, err error) {
	runner = filepath.Join(work, "vm")
	if err := goStatic(ctx, "build", "-o", runner, vmtestPath+"/cmd/vm"); err != nil {
		return "", nil, err
	}
	text, err := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Dir,TestImports,XTestImports",
		"./...").Output()
	if err != nil {
		return "", nil, fmt.Errorf("go list: %w", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(text))); d.More(); {
		var p struct {
			ImportPath, Dir           string
			TestImports, XTestImports []string
		}
		if err := d.Decode(&p); err != nil {
			return "", nil, err
		}
		uses := slices.Contains(append(p.TestImports, p.XTestImports...), vmtestPath)
		if p.ImportPath != vmtestPath && (!uses || strings.HasPrefix(p.ImportPath, vmtestPath+"/")) {
			continue
		}
		k := kernelTests{path: p.ImportPath, dir: p.Dir, binary: filepath.Join(work,
			strings.ReplaceAll(p.ImportPath, "/", "_")+".test")}
		if err := goStatic(ctx, "test", "-c", "-o", k.binary, p.ImportPath); err != nil {
			return "", nil, err
		}
		names, err := exec.CommandContext(ctx, k.binary, "-test.list", ".").Output()
		if err != nil {
			return "", nil, fmt.Errorf("list the tests of %s: %w", p.ImportPath, err)
		}
		for name := range strings.Lines(string(names)) {
			if name = strings.TrimSpace(name); strings.HasPrefix(name, "Test") &&
				!onHost.has(p.ImportPath, name) {
				k.tests = append(k.tests, name)
			}
		}
		if len(k.tests) == 0 {
			continue
		}
		pkgs = append(pkgs, k)
	}
	return runner, pkgs, nil
}

// goStatic builds what runs in a guest: it has no libraries.
func goStatic(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// carries are the flags that bring commands of this machine into the guest. Without tmux the test that needs it skips,
// and says so.
func carries(path string) []string {
	if _, err := exec.LookPath("tmux"); err == nil && strings.HasSuffix(path, "/internal/cli") {
		return []string{"-with", "tmux"}
	}
	return nil
}

// pass is a kind of guest. The name of a test says which one it needs.
type pass string

const (
	plain   pass = ""
	exact   pass = "icount"
	twoCPUs pass = "2 CPUs"
	pods    pass = "containerd"
)

func passOf(test string) pass {
	switch {
	case strings.Contains(test, "Icount"):
		return exact
	case strings.Contains(test, "TwoCPUs"):
		return twoCPUs
	case strings.Contains(test, "Containerd"):
		return pods
	}
	return plain
}

// oneKernel is the kernel for what does not depend on it: vmtest.OnOneKernel, and the tests of containers.
func oneKernel(kernels []string) string {
	if slices.Contains(kernels, "6.1") || len(kernels) == 0 {
		return "6.1"
	}
	return kernels[0]
}

func (g guestRun) run(ctx context.Context, runner, one string) result {
	began := time.Now()
	args := []string{
		"tool", "test2json", "-t", "-p", g.path, runner, "-kernel", g.kernel, "-env", vmtest.EnvOneKernel +
			"=" + one,
		"-timeout", guestTimeout.String(),
	}
	switch g.pass {
	case plain:
		args = append(args, "-smp", "1")
	case exact:
		args = append(args, "-icount")
	case twoCPUs:
		args = append(args, "-smp", "2")
	case pods:
		args = append(args, "-smp", "2", "-memory", "2G")
		for _, command := range []string{"containerd", "containerd-shim-runc-v2", "runc", "ctr"} {
			args = append(args, "-with", command)
		}
	}
	args = append(args, carries(g.path)...)
	wall := time.Duration(wallFactor * float64(guestTimeout) * vmtest.Slowness()).Round(time.Second)
	args = append(args, "-exec", g.binary, "-test.v=test2json", "-test.timeout="+wall.String(),
		"-test.run=^("+strings.Join(g.tests, "|")+")$")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = g.dir
	// Unlike SIGKILL, SIGINT lets the runner stop its guest.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	r := runTests(cmd)
	r.name = fmt.Sprintf("%s [%s]", strings.TrimPrefix(g.path, "github.com/lsmprof/lsmprof/"),
		strings.TrimSpace(g.kernel+" "+string(g.pass)))
	r.took = time.Since(began)
	return r
}
