package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/rundir"
)

// ParseTest reads `name=N; run=COMMAND; metric=REGEXP; better=higher|lower`. A semicolon within a value is written twice.
func ParseTest(s string) (rundir.Test, error) {
	t := rundir.Test{Kind: rundir.Command}
	const escaped = "\x00"
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.ReplaceAll(s, ";;", escaped), ";") {
		part = strings.TrimSpace(strings.ReplaceAll(part, escaped, ";"))
		if part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		field := map[string]*string{
			"name": &t.Name, "run": &t.Run, "metric": &t.Metric, "better": &t.Better, "unit": &t.Unit,
		}[key]
		if !ok || field == nil || seen[key] {
			return t, fmt.Errorf("%q: want name=…; run=…; metric=…; better=higher|lower, each once, and ;; for a semicolon in a value", part)
		}
		seen[key], *field = true, value
	}
	return t, CheckCommand(&t)
}

// CheckCommand fills in what a command may leave out, and says what is wrong with the rest.
func CheckCommand(t *rundir.Test) error {
	if t.Better == "" {
		t.Better = rundir.Higher
		if t.Metric == "" {
			t.Better = rundir.Lower
		}
	}
	if t.Metric == "" && t.Unit == "" {
		t.Unit = "s"
	}
	t.Kind, t.Label = rundir.Command, t.Name
	switch {
	case t.Name == "" || t.Run == "":
		return errors.New("a test needs name=… and run=…")
	case t.Better != rundir.Higher && t.Better != rundir.Lower:
		return fmt.Errorf("better=%s: must be higher or lower", t.Better)
	case t.Metric == "" && t.Better == rundir.Higher:
		return errors.New("better=higher without a metric: without one the time counts, and less of it is better")
	}
	if t.Metric != "" {
		re, err := regexp.Compile(t.Metric)
		if err != nil {
			return fmt.Errorf("metric: %w", err)
		}
		if re.NumSubexp() != 1 {
			return fmt.Errorf("metric %s: has %d groups, want one pair of parentheses around the number", t.Metric, re.NumSubexp())
		}
	}
	return nil
}

// Commands starts tests of Kind Command: each copy is a shell in a mount namespace of its own that waits to be told to run the
// command once more.
type Commands struct {
	CPUs func(rundir.Test) []int // nil: anywhere
	Dir  string                  // where the commands run
}

// waiter runs the command in $LSMPROF_RUN each time it reads a line, and answers with its exit status.
const waiter = `echo ready >&4; while read -r out <&3; do /bin/sh -c "$LSMPROF_RUN" >"$out" 2>&1 3<&- 4>&- </dev/null; echo $? >&4; done`

type command struct {
	test   rundir.Test
	cmd    *exec.Cmd
	ask    *os.File
	answer *os.File
	lines  *bufio.Reader
	dir    string
}

// Start waits until the shell is there.
func (c Commands) Start(ctx context.Context, t rundir.Test, _ int) (_ Worker, err error) {
	w := &command{test: t}
	if w.dir, err = os.MkdirTemp(c.Dir, "command-"); err != nil {
		return nil, err
	}
	theirs, ask, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answer, answers, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	w.ask, w.answer, w.lines = ask, answer, bufio.NewReader(answer)
	w.cmd = exec.CommandContext(ctx, "/bin/sh", "-c", waiter)
	w.cmd.Dir = w.dir
	w.cmd.Env = append(os.Environ(), "LSMPROF_RUN="+t.Run, "LC_ALL=C")
	w.cmd.ExtraFiles = []*os.File{theirs, answers}
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Unshareflags: syscall.CLONE_NEWNS}
	w.cmd.Cancel = func() error { return syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL) }
	err = w.cmd.Start()
	theirs.Close()
	answers.Close()
	if err != nil {
		return nil, errors.Join(err, w.release())
	}
	if _, err := w.lines.ReadString('\n'); err != nil {
		return nil, errors.Join(errors.New("its shell does not start"), w.Close())
	}
	if err := c.pin(t, w.PID()); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (c Commands) pin(t rundir.Test, pid int) error {
	if c.CPUs == nil || len(c.CPUs(t)) == 0 {
		return nil
	}
	var set unix.CPUSet
	for _, cpu := range c.CPUs(t) {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(pid, &set); err != nil {
		return fmt.Errorf("pin to CPUs %v: %w", c.CPUs(t), err)
	}
	return nil
}

func (w *command) PID() int { return w.cmd.Process.Pid }

// Slice runs the command to its end.
func (w *command) Slice(_, _ time.Duration) (Sample, error) {
	out := filepath.Join(w.dir, "output")
	start := time.Now()
	if _, err := fmt.Fprintln(w.ask, out); err != nil {
		return Sample{}, err
	}
	status, err := w.lines.ReadString('\n')
	took := float64(time.Since(start).Nanoseconds())
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("its shell was killed")
		}
		return Sample{}, err
	}
	output, err := os.ReadFile(out)
	if err != nil {
		return Sample{}, err
	}
	if status = strings.TrimSpace(status); status != "0" {
		return Sample{}, fmt.Errorf("exit status %s: %s", status, lastLine(string(output)))
	}
	return SampleOf(w.test, output, took)
}

// SampleOf is what a pass of a command is worth that printed this and took so many ns.
func SampleOf(t rundir.Test, output []byte, took float64) (Sample, error) {
	value, err := value(t, output, took)
	if err != nil {
		return Sample{}, err
	}
	rate := value
	if t.Better == rundir.Lower {
		rate = 1 / value
	}
	// So many operations as make the rate, in the time that it took.
	return Sample{Ops: rate * took / 1e9, Ns: took, Output: output}, nil
}

func value(t rundir.Test, output []byte, took float64) (float64, error) {
	if t.Metric == "" {
		return took / 1e9, nil
	}
	metric, err := regexp.Compile(t.Metric)
	if err != nil {
		return 0, err
	}
	// The last match: many programs report progress first.
	all := metric.FindAllSubmatch(output, -1)
	if len(all) == 0 {
		return 0, fmt.Errorf("its output has no match for metric %s; it ends in: %s", t.Metric, lastLine(string(output)))
	}
	text := bytes.ReplaceAll(all[len(all)-1][1], []byte(","), nil)
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || v <= 0 {
		return 0, fmt.Errorf("metric %s matches %q, which is not a number above 0", t.Metric, text)
	}
	return v, nil
}

// Close ends the shell and whatever the command left behind in its group.
func (w *command) Close() error {
	_ = syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL)
	_ = w.cmd.Wait()
	return w.release()
}

func (w *command) release() error {
	return errors.Join(w.ask.Close(), w.answer.Close(), os.RemoveAll(w.dir))
}
