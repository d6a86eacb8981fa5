package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Groups of tests.
const (
	GroupProgram = "program" // does what programs do, such as starting one
	GroupCall    = "call"    // a loop of one system call or two, in which a hook weighs most
)

// words are what the report calls a test.
type words struct {
	label  string // what one operation does: "Start a program"
	slower string // the beginning of "Programs start 2 % slower"
	noun   string // "program start"
}

// known holds the words for the tests that lsmprof knows: UnixBench's and its own.
var known = map[string]words{
	"execl":            {"Start a program", "Programs start", "starting a program"},
	"spawn":            {"Create a process", "Processes are created", "creating a process"},
	"fstime":           {"Copy a file, 1 KiB at a time", "Files are copied", "copying a file"},
	"fsbuffer":         {"Copy a file, 256 bytes at a time", "Files are copied", "copying a file in small blocks"},
	"fsdisk":           {"Copy a file, 4 KiB at a time", "Files are copied", "copying a file in large blocks"},
	"pipe":             {"Write to a pipe and read", "Pipes work", "using a pipe"},
	"context1":         {"Switch between two processes", "Processes are switched", "switching processes"},
	"syscall":          {"Make plain system calls", "Plain system calls work", "making plain system calls"},
	"shell1":           {"Run a shell script", "Shell scripts run", "running a shell script"},
	"shell8":           {"Run eight shell scripts at once", "Shell scripts run", "running eight shell scripts"},
	"dhry2reg":         {"Compute with integers", "Integers are computed", "computing with integers"},
	"whetstone-double": {"Compute with fractions", "Fractions are computed", "computing with fractions"},
	"openclose":        {"Open a file", "Files open", "open"},
	"stat":             {"Look a file up", "Files are looked up", "stat"},
	"createunlink":     {"Create and delete a file", "Files are created", "create and unlink"},
	"rename":           {"Rename a file", "Files are renamed", "rename"},
	"link":             {"Link a file", "Files are linked", "link and unlink"},
	"symlink":          {"Make a symbolic link", "Symbolic links are made", "symlink and unlink"},
	"socket":           {"Make a socket", "Sockets are made", "socket"},
	"connect":          {"Connect a socket", "Sockets connect", "connect"},
	"mountumount":      {"Mount and unmount", "Mounts are made", "mount and umount"},
	"ptrace":           {"Attach to a process", "Processes are attached", "ptrace"},
	"capable":          {"Check a capability", "Capabilities are checked", "capability check"},
	"forkexec":         {"Fork and start a program", "Programs start", "fork and exec"},
}

// unitWords explains the units of UnixBench's scores.
var unitWords = map[string]string{
	"lps": "loops per second", "lpm": "loops per minute", "KBps": "KB per second",
	"MWIPS": "million Whetstone instructions per second",
}

// Units explains the units of the scores: "lps: loops per second; KBps: KB per second".
func (v *view) Units() string {
	var out []string
	for _, t := range v.Scored() {
		if what := unitWords[t.Unit]; what != "" && !slices.Contains(out, t.Unit+": "+what) {
			out = append(out, t.Unit+": "+what)
		}
	}
	return strings.Join(out, "; ")
}

// label returns what a test does with its name: "Start a program (execl)". A test that lsmprof does not know has its
// own label.
func label(t *rundir.Test) string {
	w, ok := known[t.Base()]
	if !ok {
		return cmp.Or(strings.TrimSuffix(t.Label, " (built-in)"), t.Name)
	}
	name := fmt.Sprintf("%s (%s)", w.label, t.Base())
	if t.Copies > 1 {
		name += fmt.Sprintf(", %d copies", t.Copies)
	}
	return name
}

// wordsOf returns the words for a test.
func (r *Report) wordsOf(t *Test) words {
	if r.run != nil {
		for i := range r.run.Info.Plan.Tests {
			plan := &r.run.Info.Plan.Tests[i]
			if w, ok := known[plan.Base()]; ok && plan.Name == t.Name {
				return w.times(plan.Copies)
			}
		}
	}
	return words{t.Label, t.Label + " runs", t.Label}
}

// times returns the words for n copies of the test at once.
func (w words) times(n int) words {
	if n > 1 {
		w.slower = fmt.Sprintf("With %d copies at once %s%s", n, strings.ToLower(w.slower[:1]), w.slower[1:])
		w.noun += fmt.Sprintf(" in %d copies", n)
	}
	return w
}

// groupOf returns the group of a test. The built-in tests that UnixBench lacks are single calls.
func groupOf(t *rundir.Test) string {
	if t.Kind == rundir.BuiltIn && t.Baseline == 0 {
		return GroupCall
	}
	return GroupProgram
}

// sentence returns words as a further sentence, or "" without any.
func sentence(words string) string {
	if words == "" {
		return ""
	}
	return " " + words + "."
}
