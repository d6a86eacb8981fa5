package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

const (
	// guestTimeout is the limit of a package's tests in one guest, in CPU time; the slowest package takes a third
	// of it.
	guestTimeout = 10 * time.Minute
	// wallFactor times guestTimeout, by the guest's own clock, is the -test.timeout that shows where tests hang.
	wallFactor = 5
	// hangTries is how often a guest boots whose emulator hangs, which it does once in some hundred boots.
	hangTries = 3
	// beginMark and endMark start lines of the guest's output around that of a package. What follows is the
	// package's path, or the exit status of its tests.
	beginMark, endMark = "\x1d=== begin ", "\x1d=== end "
)

func (b boot) name(p part) string {
	name := fmt.Sprintf("%s [%s]", short(p.path), b.title())
	if p.every > 0 {
		name = fmt.Sprintf("%s [%s %d/%d]", short(p.path), b.kernel, p.first+1, p.every)
	}
	return name
}

// run boots the guest and returns a result for each package. If the emulator hangs, it says so and boots the guest
// again.
func (b boot) run(ctx context.Context, runner, one string, say func(string)) []result {
	for try := 1; ; try++ {
		all, err := b.runOnce(ctx, runner, one)
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != vmtest.ExitHung ||
			try == hangTries {
			return all
		}
		say(fmt.Sprintf("guest %s: boot %d of at most %d: an emulated CPU hung\n", b.title(), try, hangTries))
	}
}

// title names the guest.
func (b boot) title() string { return strings.TrimSpace(b.kernel + " " + string(b.pass)) }

// runOnce also returns why the guest ended early, if it did.
func (b boot) runOnce(ctx context.Context, runner, one string) ([]result, error) {
	args := []string{
		"-kernel", b.kernel, "-env", vmtest.EnvOneKernel + "=" + one,
		"-timeout", (time.Duration(len(b.parts)) * guestTimeout).String(),
	}
	switch b.pass {
	case plain:
		args = append(args, "-smp", "1")
	case exact:
		args = append(args, "-icount")
	case modules:
		args = append(args, "-icount", "-with", "apparmor_parser",
			"-append", "apparmor=1 lsm=lockdown,capability,landlock,yama,tomoyo,apparmor,bpf")
	case selinux:
		args = append(args, "-icount", "-append", "selinux=1 enforcing=0 lsm=lockdown,capability,selinux,bpf")
	case twoCPUs:
		args = append(args, "-smp", "2")
		if b.kernel == "6.12" { // the others do not preempt kernel code, or preempt little of it
			args = append(args, "-append", "preempt=full")
		}
	case pods, podsV1:
		args = append(args, "-smp", "1", "-memory", "2G")
		for _, command := range []string{"containerd", "containerd-shim-runc-v2", "runc", "ctr"} {
			args = append(args, "-with", command)
		}
	}
	var script strings.Builder
	script.WriteString("exec 2>&1\n")
	for _, p := range b.parts {
		args = append(args, p.copies(archOf(b.kernel))...)
		script.WriteString(p.commands())
	}
	cmd := exec.CommandContext(ctx, runner, append(args, "--", script.String())...)
	// Unlike SIGKILL, SIGINT lets the runner stop its guest.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return []result{{name: b.name(b.parts[0]), err: err}}, err
	}
	began := time.Now()
	ran := split(ctx, stdout)
	if err = cmd.Wait(); err != nil {
		err = fmt.Errorf("%w\n%s", err, stderr.String())
	}
	return b.results(ran, err, time.Since(began), cpu(cmd)), err
}

// guestDir is where a package's tests run in the guest.
func (p part) guestDir() string { return "/src/" + short(p.path) }

// copies are the flags that bring the test binary, its files and the commands that it needs into the guest. Without
// tmux the test that needs it skips, and says so.
func (p part) copies(arch string) []string {
	flags := []string{
		"-in", p.binary(arch) + ":/usr/local/bin/" + p.command(),
		"-in", os.DevNull + ":" + p.guestDir() + "/.keep",
	}
	if data := filepath.Join(p.dir, "testdata"); exists(data) {
		flags = append(flags, "-in", data+":"+p.guestDir()+"/testdata")
	}
	if _, err := exec.LookPath("tmux"); err == nil && arch == runtime.GOARCH && short(p.path) == "internal/cli" {
		flags = append(flags, "-with", "tmux")
	}
	return flags
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// commands are the shell lines that run the tests, and end what they left behind. The output of tests may end within a
// line.
func (p part) commands() string {
	wall := time.Duration(wallFactor * float64(guestTimeout) * vmtest.Slowness()).Round(time.Second)
	return fmt.Sprintf("cd %s; echo; echo '%s%s'\n"+
		"/usr/local/bin/%s -test.v=test2json -test.timeout=%s '-test.run=^(%s)$'\n"+
		"status=$?; kill -9 -1; echo; echo \"%s$status\"\n",
		p.guestDir(), beginMark, p.path, p.command(), wall, strings.Join(p.tests, "|"), endMark)
}

// packageRun is what one package printed, and how its tests ended.
type packageRun struct {
	result
	rest string // output that belongs to no test
	exit string // exit status; empty: the guest died
}

// split reads the output of a guest: the tests of one package after the other.
func split(ctx context.Context, stdout io.Reader) map[string]packageRun {
	all := map[string]packageRun{}
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadString('\n')
		if path, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), beginMark); ok {
			all[path] = convert(ctx, path, lines)
		}
		if err != nil {
			return all
		}
	}
}

// convert reads the output of one package up to its end mark.
func convert(ctx context.Context, path string, lines *bufio.Reader) (run packageRun) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, "go", "tool", "test2json", "-t", "-p", path)
	text, to := io.Pipe()
	cmd.Stdin = text
	exit := make(chan string, 1)
	go func() {
		defer to.Close()
		for {
			line, err := lines.ReadString('\n')
			status, ended := strings.CutPrefix(strings.TrimRight(line, "\r\n"), endMark)
			if !ended {
				status = ""
				io.WriteString(to, line)
			}
			if ended || err != nil {
				exit <- status
				return
			}
		}
	}()
	from, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		text.CloseWithError(err) // what the guest prints must be read nevertheless
		return packageRun{result: result{err: err}, exit: <-exit}
	}
	r, rest := collect(from, nil)
	r.err = cmd.Wait()
	text.Close()
	r.took = time.Since(began)
	return packageRun{result: r, rest: rest, exit: <-exit}
}

// results names the packages' results, and says which have none because the guest died.
func (b boot) results(ran map[string]packageRun, died error, took, cpu time.Duration) (all []result) {
	all = append(all, result{
		name: "guest " + b.title(), took: took, cpu: cpu,
		boot: true,
	})
	for _, p := range b.parts {
		run, ok := ran[p.path]
		r := run.result
		r.name = b.name(p)
		switch {
		case r.err != nil:
		case !ok:
			r.err = fmt.Errorf("the guest ended before these tests began: %w", died)
		case run.exit == "" && died != nil:
			r.err = fmt.Errorf("%w\n%s", died, tailLines(run.rest, 200))
		case run.exit != "0" && r.count("fail") == 0:
			r.err = fmt.Errorf("exit status %s\n%s", run.exit, tailLines(run.rest, 200))
		}
		all = append(all, r)
	}
	return all
}
