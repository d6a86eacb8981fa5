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
	// Two vCPUs each, and two of most machines' cores: more would only slow each other down and run into deadlines.
	guestsAtOnce = 2
	// A whole package in one guest. The slowest takes a third of it on an idle two-core machine.
	guestTimeout = "10m"
)

// kernelTests is a package whose tests run in guests, compiled once for all of them.
type kernelTests struct {
	path, dir string
	binary    string
	icount    bool // has tests that assert instruction counts
	pods      bool // has tests that need a container runtime
	tests     int
}

// guests runs every package's kernel tests on every kernel.
func (rs *results) guests(ctx context.Context, out io.Writer, kernels, icount []string) {
	work, err := os.MkdirTemp("", "lsmprof-test-")
	if err != nil {
		rs.add(out, result{name: "guests", err: err})
		return
	}
	defer os.RemoveAll(work)
	began := time.Now()
	runner, pkgs, err := compile(ctx, work)
	rs.add(out, result{name: "compile kernel tests", took: time.Since(began), err: err})
	if err != nil {
		return
	}
	kernels = rs.reachable(ctx, out, kernels)
	one := oneKernel(kernels)
	type guest struct {
		kernelTests
		kernel string
		pass   pass
	}
	var all []guest
	for _, kernel := range kernels {
		for _, p := range pkgs {
			all = append(all, guest{p, kernel, plain})
			if p.icount && slices.Contains(icount, kernel) {
				all = append(all, guest{p, kernel, exact})
			}
			// A runtime is the same on all kernels, and starting it takes its time.
			if p.pods && kernel == one {
				all = append(all, guest{p, kernel, pods})
			}
		}
	}
	// What takes longest first: nothing long is left alone at the end.
	slices.SortStableFunc(all, func(a, b guest) int { return b.tests - a.tests })
	slots := make(chan struct{}, guestsAtOnce)
	var running sync.WaitGroup
	for _, g := range all {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() == nil {
				rs.add(out, g.run(ctx, runner, g.kernel, one, g.pass))
			}
		})
	}
	running.Wait()
}

// reachable fetches the kernels. One that the mirrors do not have is skipped and says so; any other failure is a failure.
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
func compile(ctx context.Context, work string) (runner string, pkgs []kernelTests, err error) {
	runner = filepath.Join(work, "vm")
	if err := goStatic(ctx, "build", "-o", runner, vmtestPath+"/cmd/vm"); err != nil {
		return "", nil, err
	}
	text, err := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Dir,TestImports,XTestImports", "./...").Output()
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
		k := kernelTests{path: p.ImportPath, dir: p.Dir, binary: filepath.Join(work, strings.ReplaceAll(p.ImportPath, "/", "_")+".test")}
		if err := goStatic(ctx, "test", "-c", "-o", k.binary, p.ImportPath); err != nil {
			return "", nil, err
		}
		names, err := exec.CommandContext(ctx, k.binary, "-test.list", ".").Output()
		if err != nil {
			return "", nil, fmt.Errorf("list the tests of %s: %w", p.ImportPath, err)
		}
		k.icount = strings.Contains(string(names), "Icount")
		k.pods = strings.Contains(string(names), "Containerd")
		k.tests = strings.Count(string(names), "\n")
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

// vcpus of a guest that does not count instructions. Two where CPUs are what is tested. With two, QEMU 7.2's TCG has once left a
// CPU spinning at the first byte of a BPF program, which the other was patching (text_poke_bp): the fewer attach and detach
// there, the better.
func vcpus(path string) string {
	if strings.HasSuffix(path, "/tracer") {
		return "2"
	}
	return "1"
}

// carries are the flags that bring commands of this machine into the guest. Without tmux the test that needs it skips, and says so.
func carries(path string) []string {
	if _, err := exec.LookPath("tmux"); err == nil && strings.HasSuffix(path, "/internal/cli") {
		return []string{"-with", "tmux"}
	}
	return nil
}

// pass is a guest of its own for some of a package's tests.
type pass string

const (
	plain pass = ""
	exact pass = "icount"
	pods  pass = "containerd"
)

// oneKernel is the one that runs what does not depend on the kernel: vmtest.OnOneKernel, and the tests of containers.
func oneKernel(kernels []string) string {
	if slices.Contains(kernels, "6.1") || len(kernels) == 0 {
		return "6.1"
	}
	return kernels[0]
}

func (k kernelTests) run(ctx context.Context, runner, kernel, one string, pass pass) result {
	began := time.Now()
	where := kernel
	args := []string{"tool", "test2json", "-t", "-p", k.path, runner, "-kernel", kernel, "-env", vmtest.EnvOneKernel + "=" + one}
	choose := "-test.skip=Icount|Containerd"
	switch pass {
	case plain:
		args = append(args, "-smp", vcpus(k.path))
	case exact:
		where += " icount"
		args = append(args, "-icount")
		choose = "-test.run=Icount"
	case pods:
		where += " containerd"
		args = append(args, "-smp", "2", "-memory", "2G")
		for _, command := range []string{"containerd", "containerd-shim-runc-v2", "runc", "ctr"} {
			args = append(args, "-with", command)
		}
		choose = "-test.run=Containerd"
	}
	args = append(args, carries(k.path)...)
	args = append(args, "-exec", k.binary, "-test.v=test2json", "-test.timeout="+guestTimeout, choose)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = k.dir
	// SIGTERM lets the runner stop its guest.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	r := runTests(cmd)
	r.name = fmt.Sprintf("%s [%s]", strings.TrimPrefix(k.path, "github.com/lsmprof/lsmprof/"), where)
	r.took = time.Since(began)
	return r
}
