package unixbench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// overdue is how much longer than requested a slice may take. One operation of shell8 takes seconds in an emulated
// machine.
const overdue = 2 * time.Minute

// Options select where and how a test of the suite runs.
type Options struct {
	// Dir must exist in the mount namespace of the test, which works in Dir/suite-PID and removes that. "" means
	// os.TempDir().
	Dir string
	// CPUs are those that the test is confined to. context1 takes the highest of them, or of the allowed ones,
	// unless NoPin is set.
	CPUs  []int
	NoPin bool
	// MountNSOf is a process in whose mount namespace the test starts; 0: the current one, or a new one by
	// SysProcAttr.
	MountNSOf int
	// SysProcAttr may request namespaces (Unshareflags: CLONE_NEWNS). Setpgid is always added.
	SysProcAttr *syscall.SysProcAttr
	// Env is the environment; nil means PATH and LC_ALL=C.
	Env []string
}

// Parked is a test that is set up and sleeps until it gets a slice. The caller must Close it. It is not safe for
// concurrent use.
type Parked struct {
	test     string
	cmd      *exec.Cmd
	cancel   context.CancelFunc
	requests *os.File
	replies  *os.File
	stderr   bytes.Buffer
	leftover string
	release  func() // see startIn

	end    sync.Once
	endErr error
}

// Start sets a test up and parks it. When ctx ends, the test is ended, even in the middle of a slice.
func (s *Suite) Start(ctx context.Context, test string, o Options) (*Parked, error) {
	if t, ok := Find(test); !ok || !t.Builtin {
		return nil, fmt.Errorf("no built-in test %q: choose one of %v", test, builtinNames())
	}
	if o.Dir == "" {
		o.Dir = os.TempDir()
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &Parked{test: test, cancel: cancel}
	args := []string{test, "--sliced", "--dir", o.Dir}
	if o.NoPin {
		args = append(args, "--no-pin")
	}
	p.cmd = command(ctx, o.SysProcAttr, s.Path, args...)
	p.cmd.Env = o.Env
	if o.Env == nil {
		p.cmd.Env = defaultEnv()
	}
	if err := p.start(o); err != nil {
		cancel()
		return nil, fmt.Errorf("start the built-in test %s: %w", test, err)
	}
	p.leftover = filepath.Join(o.Dir, "suite-"+strconv.Itoa(p.PID()))
	if o.MountNSOf != 0 {
		p.leftover = fmt.Sprintf("/proc/%d/root/%s", o.MountNSOf, p.leftover)
	}
	err := p.replies.SetReadDeadline(time.Now().Add(overdue))
	if err == nil {
		err = p.remote().Ready()
	}
	if err != nil {
		return nil, p.died(err)
	}
	return p, nil
}

func (p *Parked) start(o Options) error {
	theirRequests, requests, err := os.Pipe()
	if err != nil {
		return err
	}
	defer theirRequests.Close()
	replies, theirReplies, err := os.Pipe()
	if err != nil {
		requests.Close()
		return err
	}
	defer theirReplies.Close()
	p.requests, p.replies = requests, replies
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirRequests, theirReplies, &p.stderr
	if p.release, err = startIn(p.cmd, o.MountNSOf, o.CPUs); err != nil {
		requests.Close()
		replies.Close()
		return err
	}
	return nil
}

// PID returns the process of the test, which execl keeps, too.
func (p *Parked) PID() int { return p.cmd.Process.Pid }

// Slice runs the test for warmup, which does not count, and then for d. It returns the operations that count and the ns
// that they took by the test's own clock: d and the rest of the last operation. After an error the test has ended.
func (p *Parked) Slice(d, warmup time.Duration) (ops, ns uint64, err error) {
	if err = p.replies.SetReadDeadline(time.Now().Add(d + warmup + overdue)); err == nil {
		ops, ns, err = p.remote().Slice(d, warmup)
	}
	if err != nil {
		return 0, 0, p.died(err)
	}
	return ops, ns, nil
}

func (p *Parked) remote() Remote { return Remote{p.requests, p.replies} }

// died ends the test after err and returns the reason. What the test wrote to stderr says more than a broken pipe.
func (p *Parked) died(err error) error {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.EPIPE) {
		p.cancel()
	}
	if closeErr := p.Close(); closeErr != nil {
		return closeErr
	}
	return fmt.Errorf("built-in test %s: %w", p.test, err)
}

// Close ends the test and waits until it has cleaned up. It returns what went wrong in the test; further calls return
// the same.
func (p *Parked) Close() error {
	p.end.Do(func() {
		// The test ends at the end of its standard input.
		p.requests.Close()
		p.replies.Close()
		timer := time.AfterFunc(overdue, p.cancel)
		defer timer.Stop()
		defer p.cancel()
		defer p.release()
		if err := reap(p.cmd); err != nil {
			p.endErr = failure(p.test, p.stderr.String(), err)
		}
		// Only a test that was killed leaves anything.
		_ = os.RemoveAll(p.leftover)
	})
	return p.endErr
}

// Pass runs one whole pass, as UnixBench does: one slice without warm-up.
func (s *Suite) Pass(ctx context.Context, test string, d time.Duration, o Options) (Result, error) {
	p, err := s.Start(ctx, test, o)
	if err != nil {
		return Result{}, err
	}
	ops, ns, err := p.Slice(d, 0)
	if err := errors.Join(err, p.Close()); err != nil {
		return Result{}, err
	}
	t, _ := Find(test)
	elapsed := time.Duration(ns)
	return Result{
		Test: test, Count: float64(ops), Ops: ops, Elapsed: elapsed, CPU: cpuTime(p.cmd), Unit: t.Unit,
		Score:  t.Score(ops, elapsed),
		Output: fmt.Sprintf("%d operations in %d ns\n", ops, ns),
	}, nil
}

func defaultEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
}
