package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/internal/unixbench"
)

// overdue is how long a test may take to answer beyond its slice, and to end.
const overdue = 2 * time.Minute

// worker is a built-in test in the container, used by all slots.
type worker struct {
	suite  *Suite
	test   string
	remote unixbench.Remote
	in     *io.PipeWriter
	out    *io.PipeReader
	stderr firstBytes
	ended  chan error
	stop   context.CancelFunc
	pid    int
	// process refers to pid, even if that number becomes another process's; nil before it is found.
	process *os.File
	users   int
}

// firstBytes keeps the first bytes that are written to it. A container may write without end.
type firstBytes []byte

// most is how many bytes firstBytes keeps.
const most = 4096

func (b *firstBytes) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(len(p), most-len(*b))]...)
	return len(p), nil
}

// Start starts a test, or returns the copy that already runs.
func (s *Suite) Start(ctx context.Context, t rundir.Test, _ int) (bench.Worker, error) {
	if w := s.workers[t.Name]; w != nil {
		w.users++
		return w, nil
	}
	before, err := s.processes()
	if err != nil {
		return nil, err
	}
	w := s.exec(ctx, t.Name)
	if err := w.within(overdue, w.remote.Ready); err != nil {
		return nil, errors.Join(fmt.Errorf("in container %s: %w", s.container.Pod, err), w.end())
	}
	if err := w.find(before); err != nil {
		return nil, errors.Join(err, w.end())
	}
	if err := s.pin(w.pid); err != nil {
		return nil, errors.Join(err, w.end())
	}
	s.workers[t.Name] = w
	return w, nil
}

// find finds the process of the test: the first that runs the program now and did not before.
func (w *worker) find(before []int) error {
	after, err := w.suite.processes()
	if err != nil {
		return err
	}
	after = slices.DeleteFunc(after, func(pid int) bool { return slices.Contains(before, pid) })
	if len(after) == 0 {
		return fmt.Errorf("%s started, but no process runs the program that was placed in %s", w.test,
			w.suite.program.path)
	}
	w.pid = slices.Min(after) // the others are its children
	fd, err := unix.PidfdOpen(w.pid, 0)
	if err != nil {
		return fmt.Errorf("open process %d: %w", w.pid, err)
	}
	w.process = os.NewFile(uintptr(fd), "pidfd")
	if !w.suite.runs(w.pid) { // between the two calls the number can have become another process's
		return fmt.Errorf("%s ended before it was measured", w.test)
	}
	return nil
}

// exec lets the runtime start a test. It runs until its standard input is closed or ctx ends.
func (s *Suite) exec(ctx context.Context, test string) *worker {
	ctx, stop := context.WithCancel(ctx)
	theirs, in := io.Pipe()
	out, theirOut := io.Pipe()
	w := &worker{
		suite: s, test: test, remote: unixbench.Remote{Requests: in, Replies: out}, in: in, out: out,
		ended: make(chan error, 1), stop: stop, users: 1,
	}
	argv := []string{s.program.path + "/suite", test, "--sliced", "--dir", s.program.path + "/work"}
	go func() {
		streams := cri.Streams{Stdin: theirs, Stdout: theirOut, Stderr: &w.stderr}
		status, err := s.runtime.Exec(ctx, s.container.ID, argv, streams)
		if err == nil && status != 0 {
			err = fmt.Errorf("exit status %d: %s", status,
				text.Printable(strings.TrimSpace(string(w.stderr))))
		}
		theirOut.CloseWithError(errors.Join(err, io.ErrUnexpectedEOF))
		theirs.CloseWithError(io.ErrClosedPipe)
		w.ended <- err
	}()
	return w
}

func (w *worker) PID() int { return w.pid }

// Slice lets the test run. The context that it was started with ends it early.
func (w *worker) Slice(_ context.Context, d, warmup time.Duration) (sample bench.Sample, err error) {
	err = w.within(d+warmup+overdue, func() error {
		ops, ns, err := w.remote.Slice(d, warmup)
		sample = bench.Sample{Ops: float64(ops), Ns: float64(ns)}
		return err
	})
	return sample, err
}

// within calls f and kills the test if that takes longer than limit.
func (w *worker) within(limit time.Duration, f func() error) error {
	timer := time.AfterFunc(limit, func() {
		w.kill()
		w.out.CloseWithError(fmt.Errorf("no answer within %v", limit))
		w.stop()
	})
	defer timer.Stop()
	return f()
}

func (w *worker) kill() {
	if w.process != nil {
		_ = unix.PidfdSendSignal(int(w.process.Fd()), unix.SIGKILL, nil, 0)
	}
}

// Close ends the test when its last user closes it.
func (w *worker) Close() error {
	if w.users--; w.users > 0 {
		return nil
	}
	delete(w.suite.workers, w.test)
	return w.end()
}

// end closes the test's standard input, which ends it, and waits until it has removed its files.
func (w *worker) end() error {
	defer func() {
		w.stop()
		if w.process != nil {
			w.process.Close()
		}
	}()
	w.in.Close()
	select {
	case err := <-w.ended:
		if errors.Is(err, context.Canceled) {
			w.kill() // the runtime does not
			return nil
		}
		return err
	case <-time.After(overdue):
		w.kill()
		return fmt.Errorf("%s in the container did not end within %v and was killed", w.test, overdue)
	}
}
