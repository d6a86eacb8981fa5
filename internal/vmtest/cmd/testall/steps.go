package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

func makeTarget(name string) func(context.Context, io.Writer) result {
	return func(ctx context.Context, out io.Writer) result {
		began := time.Now()
		cmd := exec.CommandContext(ctx, "make", "--no-print-directory", name)
		cmd.Stdout, cmd.Stderr = out, out
		err := cmd.Run()
		return result{name: name, took: time.Since(began), err: err}
	}
}

// hostTests runs every package of a module with the race detector. Tests that need a guest's kernel skip; those that
// boot guests themselves do so unless it must be fast.
func hostTests(name, module string, fast bool) func(context.Context, io.Writer) result {
	return func(ctx context.Context, _ io.Writer) result {
		began := time.Now()
		cmd := exec.CommandContext(ctx, "go", "-C", module, "test", "-race", "-json", "-timeout", "20m",
			"./...")
		if !fast {
			cmd.Env = append(os.Environ(), "LSMPROF_VM=1")
		}
		r := runTests(cmd)
		r.name, r.took = name, time.Since(began)
		return r
	}
}

// event is a line of test2json.
type event struct{ Action, Package, Test, Output, ImportPath string }

// runTests runs a command that speaks test2json, and keeps the output of each test to show it if it failed.
func runTests(cmd *exec.Cmd) result {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return result{err: err}
	}
	r, rest := collect(stdout)
	if err := cmd.Wait(); err != nil && r.count("fail") == 0 {
		// No test is to blame: a build failure, a crash, a guest that died.
		r.err = fmt.Errorf("%w\n%s%s", err, tailLines(rest, 200), stderr.String())
	}
	return r
}

// collect returns the finished tests, and the output that belongs to none.
func collect(stream io.Reader) (r result, rest string) {
	output := map[string]*strings.Builder{}
	partly := map[string]bool{}
	running := map[string]event{}
	var other strings.Builder
	for d := json.NewDecoder(stream); ; {
		var e event
		if err := d.Decode(&e); err != nil {
			if err != io.EOF {
				text, _ := io.ReadAll(io.MultiReader(d.Buffered(), stream))
				other.Write(text)
			}
			break
		}
		key := e.Package + "." + e.Test
		switch e.Action {
		case "run":
			running[key] = e
		case "output", "build-output":
			if e.Test == "" {
				other.WriteString(e.Output)
				continue
			}
			if output[key] == nil {
				output[key] = &strings.Builder{}
			}
			output[key].WriteString(e.Output)
		case "pass", "fail", "skip":
			delete(running, key)
			if parent, _, sub := strings.Cut(e.Test, "/"); sub && e.Action == "skip" {
				partly[e.Package+"."+parent] = true
			}
			// A subtest's verdict is also its parent's; counting tests as they are declared keeps the sums
			// readable.
			if e.Test == "" || strings.Contains(e.Test, "/") && e.Action != "fail" {
				continue
			}
			t := test{pkg: e.Package, name: e.Test, action: e.Action, partly: partly[key]}
			if b := output[key]; b != nil {
				t.output = b.String()
			}
			r.tests = append(r.tests, t)
		}
	}
	for key, e := range running {
		t := test{pkg: e.Package, name: e.Test, action: "fail", output: "did not finish\n"}
		if b := output[key]; b != nil {
			t.output = b.String() + t.output
		}
		r.tests = append(r.tests, t)
	}
	return r, other.String()
}

func tailLines(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	if len(lines) > n {
		lines = append([]string{"...\n"}, lines[len(lines)-n:]...)
	}
	return strings.Join(lines, "")
}
