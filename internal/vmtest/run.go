package vmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Config describes a guest and the command to run in it.
type Config struct {
	Kernel  string   // one of Kernels, or a path to a vmlinuz
	Accel   string   // auto, tcg, kvm; empty: auto
	Icount  bool     // deterministic: one vCPU, one nanosecond of guest time per instruction
	CPUs    int      // 0: 2; with Icount always 1
	Memory  string   // empty: 1G
	Append  string   // added to the kernel's command line
	In, Out []Copy   // In: host to guest, Out: guest to host folder
	Disks   []string // raw images: /dev/nvme0n1 and so on, where Out is empty; what the guest flushed outlives it
	Args    []string
	Dir     string
	Env     []string
	// Timeout is the command's limit in CPU time of the guest, stretched on slow machines, see deadline. 0: 10
	// minutes.
	Timeout time.Duration

	Stdout, Stderr io.Writer
	Log            io.Writer // what the runner itself says
	Verbose        bool      // the kernel's console goes to Log as well
}

// A boot takes 2 to 5 s of CPU time.
const (
	bootLimit      = 60 * time.Second
	bootTries      = 3
	defaultTimeout = 10 * time.Minute
)

// ErrDeadline reports a command that was still running at its deadline, and ErrHung a guest whose emulated CPU stopped
// while the command ran: the command may run again in another guest.
var (
	ErrDeadline = errors.New("deadline")
	ErrHung     = errors.New("an emulated CPU hung")
)

// ExitHung is the exit status of the command vm for ErrHung.
const ExitHung = 123

// bootError reports a guest that ended or hung before its command started: the only failure that is retried.
type bootError struct{ err error }

func (e bootError) Error() string { return e.err.Error() }
func (e bootError) Unwrap() error { return e.err }

// Run runs a command in a guest and returns its exit status. It fails if the guest could not be started, died, or ran
// past its deadline; the error contains the end of the kernel's console.
func Run(ctx context.Context, c Config) (int, error) {
	m, err := c.machine(ctx)
	if err != nil {
		return 0, err
	}
	work, err := os.MkdirTemp("", "lsmprof-vm-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(work)
	m.initramfs = filepath.Join(work, "initramfs")
	if err := c.buildInitramfs(ctx, m.arch, work, m.initramfs); err != nil {
		return 0, err
	}
	if len(c.Out) > 0 {
		m.outDisk = filepath.Join(work, "out")
		if err := createSparse(m.outDisk, outDiskSize); err != nil {
			return 0, err
		}
	}
	status, err := c.boot(ctx, m)
	if err != nil {
		return 0, err
	}
	if m.outDisk == "" {
		return status, nil
	}
	disk, err := os.Open(m.outDisk)
	if err != nil {
		return 0, err
	}
	defer disk.Close()
	return status, loadFiles(disk, c.Out)
}

func (c *Config) machine(ctx context.Context) (machine, error) {
	if runtime.GOARCH != "amd64" {
		return machine{}, fmt.Errorf("the VM runner supports only amd64 hosts, not %s", runtime.GOARCH)
	}
	if len(c.Args) == 0 {
		return machine{}, errors.New("no command to run in the guest")
	}
	vmlinuz, err := Kernel(ctx, c.Kernel, c.Log)
	if err != nil {
		return machine{}, err
	}
	m := machine{
		arch: ArchOf(c.Kernel), vmlinuz: vmlinuz, icount: c.Icount, cpus: c.CPUs, memory: c.Memory,
		append: c.Append,
		disks:  c.Disks,
	}
	if m.cpus == 0 {
		m.cpus = 2
	}
	if m.icount {
		m.cpus = 1
	}
	if m.memory == "" {
		m.memory = "1G"
	}
	m.accel, err = chooseAccel(c.Accel, m)
	return m, err
}

func (c *Config) buildInitramfs(ctx context.Context, arch Arch, work, name string) error {
	runner, err := arch.runner(ctx, work)
	if err != nil {
		return err
	}
	busybox, err := arch.busybox(ctx, c.Log)
	if err != nil {
		return err
	}
	spec := guestSpec{Kernel: c.Kernel, Args: c.Args, Dir: c.Dir, Env: c.Env, Icount: c.Icount}
	if spec.Dir == "" {
		spec.Dir = "/root"
	}
	for _, o := range c.Out {
		spec.Out = append(spec.Out, o.From)
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(writeInitramfs(f, spec, runner, busybox, c.In), f.Close())
}

func (c *Config) boot(ctx context.Context, m machine) (int, error) {
	for try := 1; ; try++ {
		status, err := c.bootOnce(ctx, m)
		if be := (bootError{}); !errors.As(err, &be) || try == bootTries || ctx.Err() != nil {
			return status, err
		}
		fmt.Fprintf(c.Log, "vm: boot %d of at most %d: %v\n", try, bootTries, err)
	}
}

// bootOnce runs QEMU from start to end.
func (c *Config) bootOnce(ctx context.Context, m machine) (int, error) {
	v, err := m.start()
	if err != nil {
		return 0, err
	}
	console := newTail(16 << 10)
	var reading sync.WaitGroup
	reading.Go(func() {
		var w io.Writer = console
		if c.Verbose {
			w = io.MultiWriter(console, c.Log)
		}
		io.Copy(w, v.console)
		v.console.Close()
	})
	s := session{Config: c, status: -1}
	s.deadline = newDeadline(func() time.Duration { return cpuTime(v.cmd.Process.Pid) }, bootLimit, v.kill)
	stop := context.AfterFunc(ctx, v.kill)
	s.read(v.control)
	v.control.Close()
	if s.broken != nil {
		v.kill()
	}
	qemu := v.cmd.Wait()
	s.deadline.stop()
	stop()
	reading.Wait()
	if s.status >= 0 {
		return s.status, nil
	}
	err = s.explain(ctx, qemu, v.stderr.String(), console.String())
	if s.began && m.hangs() && strings.Contains(console.String(), "BUG: soft lockup") {
		err = fmt.Errorf("%w: %w", ErrHung, err)
	}
	return 0, err
}

func (s *session) explain(ctx context.Context, qemu error, stderr, console string) error {
	var what error
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("guest stopped: %w", context.Cause(ctx))
	case s.failed != "":
		what = errors.New(s.failed)
	case s.broken != nil:
		what = s.broken
	case s.deadline.expired() && s.began:
		what = fmt.Errorf("%w: the guest was stopped after %v of CPU time, or %d times as long without; "+
			"-timeout gives it more", ErrDeadline, s.timeout(), idleFactor)
	case s.deadline.expired():
		what = bootError{fmt.Errorf("the guest did not start the command within %v of CPU time", bootLimit)}
	case qemu != nil:
		// QEMU itself leaves with 0 when a guest panics or powers off.
		return fmt.Errorf("QEMU: %w: %s", qemu, stderr)
	case s.began:
		what = errors.New("the guest died while the command ran")
	default:
		what = bootError{errors.New("the guest died before the command started")}
	}
	if stderr != "" {
		what = fmt.Errorf("%w\n--- QEMU's messages ---\n%s", what, stderr)
	}
	if console == "" {
		console = "(empty)"
	}
	return fmt.Errorf("%w\n--- end of the kernel's console ---\n%s\n---", what, console)
}

func (c *Config) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return defaultTimeout
}

func createSparse(name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}
