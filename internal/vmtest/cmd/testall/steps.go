package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

func makeTarget(ctx context.Context, name string) result {
	began := time.Now()
	cmd := exec.CommandContext(ctx, "make", "--no-print-directory", name)
	text, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, text)
	}
	return result{name: name, took: time.Since(began), cpu: cpu(cmd), err: err}
}

// cpu is the CPU time of a command and of its children.
func cpu(cmd *exec.Cmd) time.Duration {
	if cmd.ProcessState == nil {
		return 0
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// event is a line of test2json.
type event struct {
	Action, Package, Test, Output, ImportPath string

	Elapsed float64 // s
}

// runTests runs a command that speaks test2json, and keeps the output of each test to show it if it failed. It calls
// finished with the tests so far at the end of each package.
func runTests(cmd *exec.Cmd, finished func(pkg string, tests []test)) result {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return result{err: err}
	}
	r, rest := collect(stdout, finished)
	if err := cmd.Wait(); err != nil && r.count("fail") == 0 {
		// No test is to blame: a build failure, a crash, a guest that died.
		r.err = fmt.Errorf("%w\n%s%s", err, tailLines(rest, 200), stderr.String())
	}
	r.cpu = cpu(cmd)
	return r
}

// collect returns the finished tests, and the output that belongs to none.
func collect(stream io.Reader, finished func(pkg string, tests []test)) (r result, rest string) {
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
			if e.Test == "" && e.Package != "" && finished != nil {
				finished(e.Package, r.tests)
			}
			// A subtest's verdict is also its parent's; counting tests as they are declared keeps the sums
			// readable.
			if e.Test == "" || strings.Contains(e.Test, "/") && e.Action != "fail" {
				continue
			}
			t := test{
				pkg: e.Package, name: e.Test, action: e.Action, partly: partly[key],
				took: time.Duration(e.Elapsed * float64(time.Second)),
			}
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
