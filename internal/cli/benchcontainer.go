package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/cri"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/internal/unixbench"
)

// overdue is what a test in a container gets to answer beyond its slice, and to end.
const overdue = 2 * time.Minute

// validateContainer allows what can run in a container.
func (o *benchOptions) validateContainer() error {
	switch {
	case o.container == "" && o.pod == "":
		return nil
	case o.container != "" && o.pod != "":
		return errors.New("--container and --pod: give one of them")
	case o.unixbench != "":
		return errors.New("--unixbench is a directory of this machine: with --container or --pod give its programs in there as --test commands")
	case o.pod != "" && !strings.Contains(o.pod, "/"):
		return fmt.Errorf("--pod %s: must be NAMESPACE/NAME or NAMESPACE/NAME/CONTAINER", o.pod)
	}
	return nil
}

// inContainer is the container that the flags name, "" without one.
func (o *benchOptions) inContainer() string {
	if o.container != "" {
		return o.container
	}
	return o.pod
}

// findContainer finds a container that runs by an id that may be cut short, or by NAMESPACE/POD[/CONTAINER].
func findContainer(all []cri.Container, name string) (found cri.Container, err error) {
	var matches []string
	for _, c := range all {
		full := c.Namespace + "/" + c.Pod + "/" + c.Name
		if c.Name == "" || !strings.HasPrefix(c.ID, name) && full != name && full != name+"/"+c.Name {
			continue
		}
		found = c
		matches = append(matches, fmt.Sprintf("%s (%.12s)", full, c.ID))
	}
	slices.Sort(matches)
	switch {
	case len(matches) == 0:
		return found, fmt.Errorf("no running container %s; `crictl ps` lists them", name)
	case len(matches) > 1:
		return found, fmt.Errorf("%s is one of several containers: %s", name, strings.Join(matches, ", "))
	case found.PID == 0:
		return found, fmt.Errorf("%s: the runtime does not tell its process", matches[0])
	}
	return found, nil
}

// containerSuite runs the built-in tests in a container, through the runtime: in its cgroups, with its capabilities, its seccomp
// filter and its LSM profile. All scenarios share one copy of each test, as they share the mount namespace.
type containerSuite struct {
	runtime   *cri.Runtime
	container cri.Container
	root      *os.Root // the container's file system
	dir       string   // in it
	cpus      []int
	workers   map[string]*containerWorker
}

// openContainer finds a container and, where there are built-in tests, brings their program into it.
func openContainer(ctx context.Context, endpoint string, plan *rundir.Plan) (_ *containerSuite, err error) {
	name := plan.Container
	s := &containerSuite{runtime: cri.New(endpoint), cpus: plan.CPUs, workers: map[string]*containerWorker{}}
	if err := s.runtime.Refresh(ctx); err != nil {
		return nil, err
	}
	if s.container, err = findContainer(s.runtime.Containers(), name); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(plan.Tests, func(t rundir.Test) bool { return t.Kind == rundir.BuiltIn }) {
		return s, nil
	}
	if unixbench.Program() == nil {
		return nil, errors.New("the built-in tests are not there for this architecture")
	}
	// Links in the container must not lead out of it: os.Root follows none that do.
	if s.root, err = os.OpenRoot(fmt.Sprintf("/proc/%d/root", s.container.PID)); err != nil {
		return nil, fmt.Errorf("container %s: %w", name, err)
	}
	var all error
	for _, parent := range []string{"tmp", "var/tmp", "."} {
		s.dir = filepath.Join(parent, "lsmprof-"+rand.Text()[:8])
		if err := s.bring(); err == nil {
			return s, nil
		} else {
			all = errors.Join(all, err)
		}
	}
	return nil, errors.Join(fmt.Errorf("bring the tests into container %s: %w; it needs a directory that can be written and executed from,"+
		" such as an emptyDir at /tmp", name, all), s.root.Close())
}

// bring makes the directory, which the container's user must be able to write, and the program in it.
func (s *containerSuite) bring() error {
	err := s.root.Mkdir(s.dir, 0o755)
	if err == nil {
		err = s.root.Chmod(s.dir, 0o777) // whatever the umask
	}
	if err == nil {
		err = s.write(filepath.Join(s.dir, "suite"))
	}
	if err == nil {
		err = s.root.Chmod(filepath.Join(s.dir, "suite"), 0o755)
	}
	if err != nil {
		_ = s.root.RemoveAll(s.dir)
	}
	return err
}

func (s *containerSuite) write(path string) error {
	f, err := s.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	return errors.Join(unixbench.WriteProgram(f), f.Close())
}

// Close removes what was brought. A container that is gone has taken it along.
func (s *containerSuite) Close() error {
	defer s.runtime.Close()
	if s.root == nil {
		return nil
	}
	err := s.root.RemoveAll(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.root.Close())
}

// containerWorker is a test in the container, for all slots.
type containerWorker struct {
	suite  *containerSuite
	test   string
	remote unixbench.Remote
	in     *io.PipeWriter
	out    *io.PipeReader
	stderr bytes.Buffer
	ended  chan error
	stop   context.CancelFunc
	pid    int
	users  int
}

// Start starts a test the first time it is asked for it.
func (s *containerSuite) Start(ctx context.Context, t rundir.Test, _ int) (bench.Worker, error) {
	if w := s.workers[t.Name]; w != nil {
		w.users++
		return w, nil
	}
	before, err := s.processes()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	theirs, in := io.Pipe()
	out, theirOut := io.Pipe()
	w := &containerWorker{
		suite: s, test: t.Name, remote: unixbench.Remote{Requests: in, Replies: out}, in: in, out: out,
		ended: make(chan error, 1), stop: stop, users: 1,
	}
	argv := []string{"/" + filepath.Join(s.dir, "suite"), t.Name, "--sliced", "--dir", "/" + s.dir}
	go func() {
		status, err := s.runtime.Exec(ctx, s.container.ID, argv, cri.Streams{Stdin: theirs, Stdout: theirOut, Stderr: &w.stderr})
		if err == nil && status != 0 {
			err = fmt.Errorf("exit status %d: %s", status, text.Printable(strings.TrimSpace(w.stderr.String())))
		}
		theirOut.CloseWithError(errors.Join(err, io.ErrUnexpectedEOF))
		theirs.CloseWithError(io.ErrClosedPipe)
		w.ended <- err
	}()
	if err := w.within(overdue, w.remote.Ready); err != nil {
		return nil, errors.Join(fmt.Errorf("in container %s: %w", s.container.Pod, err), w.end())
	}
	after, err := s.processes()
	if err == nil {
		after = slices.DeleteFunc(after, func(pid int) bool { return slices.Contains(before, pid) })
		if len(after) == 0 {
			err = errors.New("its process is not to be found")
		}
	}
	if err != nil {
		return nil, errors.Join(err, w.end())
	}
	w.pid = slices.Min(after) // the others are its children
	if err := s.pin(w.pid); err != nil {
		return nil, errors.Join(err, w.end())
	}
	s.workers[t.Name] = w
	return w, nil
}

// processes are those that run our program, by their number here.
func (s *containerSuite) processes() ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe")); err == nil && strings.HasSuffix(exe, "/"+filepath.Join(s.dir, "suite")) {
			all = append(all, pid)
		}
	}
	return all, nil
}

func (s *containerSuite) pin(pid int) error {
	if len(s.cpus) == 0 {
		return nil
	}
	var set unix.CPUSet
	for _, cpu := range s.cpus {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(pid, &set); err != nil {
		return fmt.Errorf("pin to CPUs %v: %w; the container may have others: --cpus", s.cpus, err)
	}
	return nil
}

func (w *containerWorker) PID() int { return w.pid }

// Slice lets the test run.
func (w *containerWorker) Slice(d, warmup time.Duration) (sample bench.Sample, err error) {
	err = w.within(d+warmup+overdue, func() error {
		ops, ns, err := w.remote.Slice(d, warmup)
		sample = bench.Sample{Ops: float64(ops), Ns: float64(ns)}
		return err
	})
	return sample, err
}

// within ends the connection when f takes too long.
func (w *containerWorker) within(limit time.Duration, f func() error) error {
	timer := time.AfterFunc(limit, func() {
		w.kill()
		w.out.CloseWithError(fmt.Errorf("no answer within %v", limit))
		w.stop()
	})
	defer timer.Stop()
	return f()
}

func (w *containerWorker) kill() {
	if w.pid > 0 {
		_ = unix.Kill(w.pid, unix.SIGKILL)
	}
}

// Close ends the test when nobody uses it any more.
func (w *containerWorker) Close() error {
	if w.users--; w.users > 0 {
		return nil
	}
	delete(w.suite.workers, w.test)
	return w.end()
}

// end closes the test's standard input, which ends it, and waits for it to have cleaned up.
func (w *containerWorker) end() error {
	defer w.stop()
	w.in.Close()
	select {
	case err := <-w.ended:
		if errors.Is(err, context.Canceled) {
			w.kill() // the runtime lets it live on
			return nil
		}
		return err
	case <-time.After(overdue):
		w.kill()
		return fmt.Errorf("%s in the container did not end within %v and was killed", w.test, overdue)
	}
}
