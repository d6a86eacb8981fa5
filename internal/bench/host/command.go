package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/ownns"
	"github.com/lsmprof/lsmprof/internal/rundir"
)

// Commands starts tests of kind Command. Each copy is a shell in its own mount namespace that runs the command
// once for each line it reads.
type Commands struct {
	CPUs func(rundir.Test) []int // nil or no CPU: any
	Dir  string                  // absolute; each copy runs in a new folder below it
}

// waiter runs the command in $LSMPROF_RUN for each line that it reads from descriptor 3, and answers with the exit
// status.
//
// If lsmprof is killed, nothing may keep running. PR_SET_PDEATHSIG would end the shell only, not the command that it
// runs, and would act as soon as the thread ends that started the shell. So a guard waits for the end of file on
// descriptor 5, whose other end only lsmprof has, and kills the process group.
const waiter = `(read -r _ <&5; kill -9 0) 3<&- 4>&- >/dev/null 2>&1 &
echo ready >&4
while read -r out <&3; do /bin/sh -c "$LSMPROF_RUN" >"$out" 2>&1 3<&- 4>&- 5<&- </dev/null; echo $? >&4; done`

type command struct {
	test   rundir.Test
	cmd    *exec.Cmd
	ask    *os.File
	answer *os.File
	life   *os.File // closed by the kernel at the latest when lsmprof ends
	lines  *bufio.Reader
	dir    string
}

// Start waits until the shell is ready. The namespace to join is ignored.
func (c Commands) Start(ctx context.Context, t rundir.Test, _ int) (_ bench.Worker, err error) {
	w := &command{test: t}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	if w.dir, err = os.MkdirTemp(c.Dir, "command-"); err != nil {
		return nil, err
	}
	theirs, ask, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	w.ask = ask
	answer, answers, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer answers.Close()
	w.answer, w.lines = answer, bufio.NewReader(answer)
	theirLife, life, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirLife.Close()
	w.life = life
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", waiter)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "LSMPROF_RUN="+t.Run, "LC_ALL=C")
	cmd.ExtraFiles = []*os.File{theirs, answers, theirLife}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Unshareflags: syscall.CLONE_NEWNS}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := ownns.Start(cmd); err != nil {
		return nil, err
	}
	w.cmd = cmd
	answers.Close() // or the end of the shell would not be seen
	if _, err := w.lines.ReadString('\n'); err != nil {
		return nil, errors.New("its shell does not start")
	}
	return w, c.pin(t, w.PID())
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

// Slice runs the command to its end. The context that the copy was started with ends it early.
func (w *command) Slice(context.Context, time.Duration, time.Duration) (bench.Sample, error) {
	out := filepath.Join(w.dir, "output")
	start := time.Now()
	if _, err := fmt.Fprintln(w.ask, out); err != nil {
		return bench.Sample{}, err
	}
	status, err := w.lines.ReadString('\n')
	took := float64(time.Since(start).Nanoseconds())
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("its shell was killed")
		}
		return bench.Sample{}, err
	}
	output, err := os.ReadFile(out)
	if err != nil {
		return bench.Sample{}, err
	}
	if status = strings.TrimSpace(status); status != "0" {
		return bench.Sample{}, bench.CommandFailed(status, output)
	}
	return bench.SampleOf(w.test, output, took)
}

// Close kills the shell and every process that the command left in its group.
func (w *command) Close() error {
	if w.cmd != nil {
		_ = syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL)
		_ = w.cmd.Wait()
	}
	var all error
	for _, f := range []*os.File{w.ask, w.answer, w.life} {
		if f != nil {
			all = errors.Join(all, f.Close())
		}
	}
	if w.dir != "" {
		all = errors.Join(all, os.RemoveAll(w.dir))
	}
	return all
}
