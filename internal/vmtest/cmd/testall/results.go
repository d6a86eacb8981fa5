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
	cpu     time.Duration // of the step's processes; 0: unknown
	err     error
	skipped string // why the step did not run at all
	boot    bool   // a whole guest: its packages are steps of their own
	tests   []test
}

type test struct {
	pkg, name string
	action    string // pass, fail, skip
	partly    bool   // a subtest was skipped
	took      time.Duration
	output    string
}

func (t test) key() string { return t.pkg + "." + t.name }

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
	word := "ok  "
	switch {
	case r.skipped != "":
		return fmt.Sprintf("--- SKIP: %s: %s", r.name, r.skipped)
	case r.failed():
		word = "FAIL"
	}
	return fmt.Sprintf("%s\t%-44s %6.1fs%s", word, r.name, r.took.Seconds(), r.counts())
}

func (r result) counts() string {
	var words []string
	if len(r.tests) > 0 {
		words = append(words, fmt.Sprintf("%d passed, %d failed, %d skipped", r.count("pass"), r.count("fail"),
			r.count("skip")))
	}
	if r.cpu > 0 {
		words = append(words, fmt.Sprintf("%.1f s of CPU time", r.cpu.Seconds()))
	}
	if len(words) == 0 {
		return ""
	}
	return "  " + strings.Join(words, ", ")
}

type results struct {
	mu  sync.Mutex
	out io.Writer
	all []result
}

func (rs *results) print(text string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	io.WriteString(rs.out, text)
}

// add records steps and prints their lines, behind the output of the tests that failed.
func (rs *results) add(steps ...result) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, r := range steps {
		rs.all = append(rs.all, r)
		for _, t := range r.tests {
			if t.action == "fail" {
				fmt.Fprintf(rs.out, "--- FAIL: %s [%s]\n%s", t.name, r.name, tailLines(t.output, 150))
			}
		}
		if r.err != nil {
			fmt.Fprintf(rs.out, "%s: %v\n", r.name, r.err)
		}
		fmt.Fprintln(rs.out, r.line())
	}
}

// slowest prints the n tests that took longest.
func (rs *results) slowest(n int) {
	type timed struct {
		where string
		test
	}
	var all []timed
	for _, r := range rs.all {
		for _, t := range r.tests {
			all = append(all, timed{r.name, t})
		}
	}
	slices.SortStableFunc(all, func(a, b timed) int { return int(b.took - a.took) })
	fmt.Fprintln(rs.out, "\n=== slowest tests")
	for _, t := range all[:min(n, len(all))] {
		fmt.Fprintf(rs.out, "%6.1fs %s %s\n", t.took.Seconds(), t.where, t.name)
	}
}

// summary prints the table and the closing line. A test that ran somewhere and failed nowhere has passed, however many
// guests skipped it; a step without tests of its own counts as one.
func (rs *results) summary(took time.Duration) int {
	passed, failed, skipped := rs.totals()
	fmt.Fprintf(rs.out, "\n=== summary after %v\n", took.Round(time.Second))
	for _, r := range rs.all {
		fmt.Fprintln(rs.out, r.line())
	}
	for _, s := range rs.skips() {
		fmt.Fprintln(rs.out, s)
	}
	fmt.Fprintf(rs.out, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
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
		case r.boot:
			continue
		case r.skipped != "":
			skipped++
			continue
		case len(r.tests) == 0 && r.err == nil:
			passed++
		case r.err != nil && r.count("fail") == 0:
			failed++
		}
		for _, t := range r.tests {
			if old, ok := verdict[t.key()]; !ok || worst[t.action] > worst[old] {
				verdict[t.key()] = t.action
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
	for _, r := range rs.all {
		for _, t := range r.tests {
			if w := ran[t.key()]; t.action != "skip" {
				ran[t.key()] = where{w.host || !r.inGuest(), w.guest || r.inGuest()}
			}
		}
	}
	var lines []string
	for _, r := range rs.all {
		for _, t := range r.tests {
			w := ran[t.key()]
			if t.action == "skip" && !w.host && (r.inGuest() || !w.guest) {
				lines = append(lines, fmt.Sprintf("--- SKIP: %s %s: %s", r.name, t.name, t.reason()))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
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
