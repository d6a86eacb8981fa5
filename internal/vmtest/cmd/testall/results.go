package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// result is one step: a make target, the host's tests, or one package's tests in one guest.
type result struct {
	name    string
	took    time.Duration
	err     error
	skipped string // why the step did not run at all
	tests   []test
}

type test struct {
	pkg, name string
	action    string // pass, fail, skip
	partly    bool   // a subtest was skipped
	output    string
}

func (r result) count(action string) int {
	n := 0
	for _, t := range r.tests {
		if t.action == action {
			n++
		}
	}
	return n
}

// inGuest reports whether the step ran in a guest. The name of such a step ends in "[KERNEL]".
func (r result) inGuest() bool { return strings.HasSuffix(r.name, "]") }

func (r result) failed() bool { return r.err != nil || r.count("fail") > 0 }

// line is what go test would print.
func (r result) line() string {
	switch {
	case r.skipped != "":
		return fmt.Sprintf("--- SKIP: %s: %s", r.name, r.skipped)
	case r.failed():
		return fmt.Sprintf("FAIL\t%-44s %6.1fs%s", r.name, r.took.Seconds(), r.counts())
	}
	return fmt.Sprintf("ok  \t%-44s %6.1fs%s", r.name, r.took.Seconds(), r.counts())
}

func (r result) counts() string {
	if len(r.tests) == 0 {
		return ""
	}
	return fmt.Sprintf("  %d passed, %d failed, %d skipped", r.count("pass"), r.count("fail"), r.count("skip"))
}

type results struct {
	mu  sync.Mutex
	all []result
}

// add records a step and prints its line, behind the output of the tests that failed.
func (rs *results) add(out io.Writer, r result) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.all = append(rs.all, r)
	for _, t := range r.tests {
		if t.action == "fail" {
			fmt.Fprintf(out, "--- FAIL: %s [%s]\n%s", t.name, r.name, tailLines(t.output, 150))
		}
	}
	if r.err != nil {
		fmt.Fprintf(out, "%s: %v\n", r.name, r.err)
	}
	fmt.Fprintln(out, r.line())
}

// summary prints the table and the closing line. A test that ran somewhere and failed nowhere has passed, however many
// guests skipped it; a step without tests of its own counts as one.
func (rs *results) summary(out io.Writer, took time.Duration) int {
	passed, failed, skipped := rs.totals()
	fmt.Fprintf(out, "\n=== summary after %v\n", took.Round(time.Second))
	for _, r := range rs.all {
		fmt.Fprintln(out, r.line())
	}
	for _, s := range rs.skips() {
		fmt.Fprintln(out, s)
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 {
		return 1
	}
	return 0
}

func (rs *results) totals() (passed, failed, skipped int) {
	verdict := map[string]string{}
	worst := map[string]int{"skip": 0, "pass": 1, "fail": 2}
	for _, r := range rs.all {
		switch {
		case r.skipped != "":
			skipped++
			continue
		case len(r.tests) == 0 && r.err == nil:
			passed++
		case r.err != nil && r.count("fail") == 0:
			failed++
		}
		for _, t := range r.tests {
			key := t.pkg + "." + t.name
			if old, ok := verdict[key]; !ok || worst[t.action] > worst[old] {
				verdict[key] = t.action
			}
		}
	}
	for _, v := range verdict {
		switch v {
		case "pass":
			passed++
		case "fail":
			failed++
		default:
			skipped++
		}
	}
	return passed, failed, skipped
}

// skips lists, with the reason, what ran nowhere and what a guest skipped although it needs one.
func (rs *results) skips() []string {
	type where struct{ host, guest bool }
	ran := map[string]where{}
	key := func(t test) string { return t.pkg + "." + t.name }
	for _, r := range rs.all {
		for _, t := range r.tests {
			if w := ran[key(t)]; t.action != "skip" {
				ran[key(t)] = where{w.host || !r.inGuest(), w.guest || r.inGuest()}
			}
		}
	}
	var lines []string
	for _, r := range rs.all {
		for _, t := range r.tests {
			w := ran[key(t)]
			if t.action == "skip" && !w.host && (r.inGuest() || !w.guest) {
				lines = append(lines, fmt.Sprintf("--- SKIP: %s %s: %s", r.name, t.name, t.reason()))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// settled are the tests that ran on the host from end to end: they need no kernel of a guest's.
type settled map[string]bool

func (s settled) has(pkg, test string) bool { return s[pkg+"."+test] }

// settledOnHost returns the tests that passed or failed on the host without a part of them being skipped. It is empty
// where the host's tests were left out: the guests then run every test.
func (rs *results) settledOnHost() settled {
	s := settled{}
	for _, r := range rs.all {
		for _, t := range r.tests {
			if !r.inGuest() && t.action != "skip" && !t.partly {
				s[t.pkg+"."+t.name] = true
			}
		}
	}
	return s
}

// reason is the text of t.Skip.
func (t test) reason() string {
	for line := range strings.Lines(t.output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			continue
		}
		if _, after, ok := strings.Cut(line, ".go:"); ok {
			_, line, _ = strings.Cut(after, ": ")
		}
		return line
	}
	return "(no reason given)"
}
