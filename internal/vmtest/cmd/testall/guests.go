package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// guestsAtOnce is how many guests run at a time. Most machines have two cores or more, and a guest waits for half of
// its time: for the kernel to attach programs, and for recordings of a second.
const guestsAtOnce = 3

// kernelTests is a package whose tests run in guests, compiled once for all of them.
type kernelTests struct {
	path, dir string
	binaries  string   // folder with the test binary of each architecture
	tests     []string // all of them
}

// command is the name of the test binary.
func (p kernelTests) command() string { return filepath.Base(p.path) + ".test" }

func (p kernelTests) binary(arch string) string { return filepath.Join(p.binaries, arch, p.command()) }

// guests runs every package's kernel tests on every kernel: the tests that the host did not settle.
func (rs *results) guests(ctx context.Context, all []goPackage, kernels, icount []string, h *host) {
	work, err := os.MkdirTemp("", "lsmprof-test-")
	if err != nil {
		rs.add(result{name: "guests", err: err})
		return
	}
	defer os.RemoveAll(work)
	began := time.Now()
	runner, pkgs, err := compile(ctx, work, all, kernels)
	rs.add(result{name: "compile kernel tests", took: time.Since(began), err: err})
	if err != nil {
		return
	}
	kernels = rs.reachable(ctx, kernels)
	boots := plan(pkgs, kernels, icount)
	one := oneKernel(kernels)
	slots := make(chan struct{}, guestsAtOnce)
	var running sync.WaitGroup
	for len(boots) > 0 {
		slots <- struct{}{}
		paths := make([][]string, len(boots))
		for i, b := range boots {
			paths[i] = b.paths()
		}
		i := h.next(paths)
		b := boots[i]
		boots = slices.Delete(boots, i, i+1)
		running.Go(func() {
			defer func() { <-slots }()
			if b = b.unsettled(h); len(b.parts) > 0 && ctx.Err() == nil {
				rs.add(b.run(ctx, runner, one, rs.print)...)
			}
		})
	}
	running.Wait()
}

// reachable fetches the kernels. One that the mirrors do not have is skipped and says so; any other failure is a
// failure.
func (rs *results) reachable(ctx context.Context, kernels []string) []string {
	var have []string
	for _, k := range kernels {
		var log strings.Builder
		vmlinuz, err := vmtest.Kernel(ctx, k, &log)
		rs.print(log.String())
		switch {
		case errors.Is(err, vmtest.ErrUnreachable):
			rs.add(result{name: "kernel " + k, skipped: err.Error()})
		case err != nil:
			rs.add(result{name: "kernel " + k, err: err})
		default:
			rs.print(fmt.Sprintf("kernel %s: %s %s\n", k, vmlinuz, vmtest.KernelVersion(vmlinuz)))
			have = append(have, k)
		}
	}
	if len(have) == 0 && !slices.Contains(kernels, vmtest.Distro) && ctx.Err() == nil {
		// Better the kernel of this machine's own distribution than none.
		return rs.reachable(ctx, []string{vmtest.Distro})
	}
	return have
}

// compile builds the runner and the test binary of every package with kernel tests, for the kernels' architectures.
func compile(ctx context.Context, work string, all []goPackage, kernels []string) (runner string, pkgs []kernelTests,
	err error,
) {
	runner = filepath.Join(work, "vm")
	if err := goStatic(ctx, runtime.GOARCH, "build", "-o", runner, vmtestPath+"/cmd/vm"); err != nil {
		return "", nil, err
	}
	onlyArm64 := !slices.ContainsFunc(kernels, func(k string) bool { return archOf(k) != "arm64" })
	for _, p := range all {
		if p.inGuests() && (!onlyArm64 || anyOnArm64(short(p.ImportPath))) {
			pkgs = append(pkgs, kernelTests{path: p.ImportPath, dir: p.Dir, binaries: work})
		}
	}
	archs := []string{runtime.GOARCH} // its binaries name the tests
	for _, k := range kernels {
		if !slices.Contains(archs, archOf(k)) {
			archs = append(archs, archOf(k))
		}
	}
	for _, arch := range archs {
		// Without DWARF, which no test reads, linking takes two thirds.
		build := []string{"test", "-c", "-ldflags=-w", "-o", filepath.Join(work, arch) + "/"}
		for _, p := range pkgs {
			if arch == runtime.GOARCH || anyOnArm64(short(p.path)) {
				build = append(build, p.path)
			}
		}
		if err := os.Mkdir(filepath.Join(work, arch), 0o755); err != nil {
			return "", nil, err
		}
		if err := goStatic(ctx, arch, build...); err != nil {
			return "", nil, err
		}
	}
	for i := range pkgs {
		names, err := exec.CommandContext(ctx, pkgs[i].binary(runtime.GOARCH), "-test.list", ".").Output()
		if err != nil {
			return "", nil, fmt.Errorf("list the tests of %s: %w", pkgs[i].path, err)
		}
		for name := range strings.Lines(string(names)) {
			if name = strings.TrimSpace(name); strings.HasPrefix(name, "Test") {
				pkgs[i].tests = append(pkgs[i].tests, name)
			}
		}
	}
	return runner, pkgs, nil
}

// goStatic builds what runs in a guest: it has no libraries.
func goStatic(ctx context.Context, arch string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// oneKernel is the kernel for what does not depend on it: vmtest.OnOneKernel, and the tests of containers.
func oneKernel(kernels []string) string {
	if slices.Contains(kernels, "6.1") || len(kernels) == 0 {
		return "6.1"
	}
	return kernels[0]
}
