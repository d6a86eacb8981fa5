package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

const recordShort = "Profiles every invocation of BPF LSM programs, machine-wide"

// recordOptions are the flags of record.
type recordOptions struct {
	duration   time.Duration
	output     string
	format     string
	top        int
	enforcers  []string
	programs   []string
	pids       []uint
	comm       string
	mntns      []uint
	calibrate  string
	earlier    string // file with a calibration
	memory     int
	sample     sampleFlag
	readyFile  string
	invocation []string
	command    []string
}

func (o *recordOptions) flags(f *pflag.FlagSet) {
	f.DurationVarP(&o.duration, "duration", "d", 0, "how long to record; default: until the command ends or Ctrl-C")
	f.StringVar(&o.output, "output", "lsmprof.pb.gz", "pprof profile to write, - for none")
	f.StringVarP(&o.format, "format", "o", "text", "what stdout gets: text or json")
	f.IntVar(&o.top, "top", 30, "rows of the table, 0 for all")
	f.StringSliceVar(&o.enforcers, "enforcer", nil, "only the programs of these enforcers")
	f.StringSliceVar(&o.programs, "program", nil, "only programs whose name matches one of these globs")
	f.UintSliceVar(&o.pids, "pid", nil, "only these processes")
	f.StringVar(&o.comm, "comm", "", "only processes with this command name")
	f.UintSliceVar(&o.mntns, "mntns", nil, "only these mount namespaces (inode numbers, see `ls -l /proc/PID/ns/mnt`)")
	f.StringVar(&o.calibrate, "calibrate", "on", "on, or off to report readings as they are")
	f.StringVar(&o.earlier, "calibration", "", "take the calibration from this `file`, which lsmprof check -o json printed")
	f.IntVar(&o.memory, "memory", tracer.DefaultMemory>>20, "bound on the counters, MiB of kernel memory")
	f.Var(&o.sample, "sample", "measure one of `N` invocations, at random, and charge it N times")
	f.StringVar(&o.readyFile, "ready-file", "", "create this file when recording has begun")
}

func record(ctx context.Context, std streams, args []string) error {
	o := recordOptions{invocation: append([]string{"lsmprof", "record"}, args...)}
	f := newFlags(std, "record", "[-- command …]", recordShort)
	o.flags(f)
	if err := parse(f, args); err != nil {
		return err
	}
	o.command = f.Args()
	if err := o.validate(f.ArgsLenAtDash()); err != nil {
		return usageError{fmt.Errorf("record: %w", err)}
	}
	return o.run(ctx, std)
}

func (o *recordOptions) validate(dash int) error {
	switch {
	case o.format != "text" && o.format != "json":
		return fmt.Errorf("-o %s: must be text or json", o.format)
	case o.calibrate != "on" && o.calibrate != "off":
		return fmt.Errorf("--calibrate=%s: must be on or off", o.calibrate)
	case o.calibrate == "off" && o.earlier != "":
		return errors.New("--calibrate=off and --calibration: give one of them")
	case o.duration < 0:
		return fmt.Errorf("--duration %s: must be positive", o.duration)
	case o.memory < 1:
		return fmt.Errorf("--memory %d: must be at least 1 (MiB)", o.memory)
	case len(o.command) > 0 && dash != 0:
		return fmt.Errorf("unexpected argument %q; a command to run goes behind --", o.command[0])
	case len(o.command) > 0 && o.duration > 0:
		return errors.New("--duration and a command: give one of them")
	}
	for _, p := range o.programs {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("--program %s: %w", p, err)
		}
	}
	for _, name := range o.enforcers {
		known := enforcerNames()
		if !slices.Contains(known, name) {
			return fmt.Errorf("--enforcer %s: unknown; one of %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

func (o *recordOptions) run(ctx context.Context, std streams) error {
	out := &pendingFile{}
	if o.output != "-" {
		var err error
		if out, err = createPending(o.output); err != nil {
			return err
		}
		defer out.discard()
	}
	t, err := o.start(ctx)
	if err != nil {
		return classify(err)
	}
	snap, result := o.measure(ctx, std, t)
	if err := errors.Join(result.err, t.Close()); err != nil {
		return err
	}
	if err := o.print(std.out, snap); err != nil {
		return err
	}
	if o.output != "-" {
		if err := out.commit(snap.Write); err != nil {
			return err
		}
		fmt.Fprintf(std.err, "wrote %s; read it with: go tool pprof -top %s\n", o.output, o.output)
	}
	if result.status != 0 {
		return exitError{result.status}
	}
	return nil
}

// start calibrates and attaches the probes.
func (o *recordOptions) start(ctx context.Context) (*tracer.Tracer, error) {
	scope, err := tracer.ScopeHere()
	if err != nil {
		return nil, err
	}
	opts := tracer.Options{
		Select:      o.selects,
		Filter:      tracer.Filter{MntNS: u32s(o.mntns), PIDs: u32s(o.pids), Comm: o.comm},
		Scope:       scope,
		Enforcers:   enforcers(),
		Memory:      o.memory << 20,
		Sample:      int(o.sample),
		Preemptible: kernel.Preempts(),
	}
	progs, err := tracer.Programs()
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(progs, func(p tracer.Program) bool { return p.Attached() && o.selects(p) }) {
		return nil, o.nothingToMeasure(progs)
	}
	if o.calibrate == "on" {
		if opts.Calibration, err = calibration(o.earlier, scope, opts.Preemptible); err != nil {
			return nil, err
		}
	}
	t, err := tracer.Start(ctx, opts)
	if err != nil {
		return nil, err
	}
	if o.readyFile != "" {
		if err := os.WriteFile(o.readyFile, nil, 0o644); err != nil {
			return nil, errors.Join(fmt.Errorf("--ready-file: %w", err), t.Close())
		}
	}
	return t, nil
}

func (o *recordOptions) selects(p tracer.Program) bool {
	if len(o.enforcers) > 0 && !slices.Contains(o.enforcers, enforcerOf(p.Name)) {
		return false
	}
	return len(o.programs) == 0 || slices.ContainsFunc(o.programs, func(glob string) bool {
		ok, _ := path.Match(glob, p.Name)
		return ok
	})
}

func (o *recordOptions) nothingToMeasure(progs []tracer.Program) error {
	attached := 0
	for _, p := range progs {
		if p.Attached() {
			attached++
		}
	}
	if attached == 0 {
		return errors.New("no BPF LSM program is attached: start the enforcer first (`lsmprof enforce` is one to try); " +
			"`lsmprof list` shows what is loaded")
	}
	return fmt.Errorf("none of the %d attached BPF LSM programs is selected by --enforcer and --program; `lsmprof list` names them",
		attached)
}

// outcome is how a measurement ended.
type outcome struct {
	status int // of the command
	err    error
}

// measure records until the command, the duration or the user ends it.
func (o *recordOptions) measure(ctx context.Context, std streams, t *tracer.Tracer) (profile.Snapshot, outcome) {
	var result outcome
	ctx, done := context.WithCancel(ctx)
	defer done()
	if o.duration > 0 {
		ctx, done = context.WithTimeout(ctx, o.duration)
		defer done()
	}
	ended := make(chan outcome, 1)
	if len(o.command) > 0 {
		cmd := exec.CommandContext(ctx, o.command[0], o.command[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = std.in, std.out, std.err
		if o.format == "json" {
			cmd.Stdout = std.err // stdout is one JSON object
		}
		// It gets the chance to end by itself; one that does not must not keep what was measured from being written.
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = 5 * time.Second
		if err := cmd.Start(); err != nil {
			return profile.Snapshot{}, outcome{err: fmt.Errorf("run %s: %w", o.command[0], err)}
		}
		go func() {
			err := cmd.Wait()
			ended <- outcome{status: exitStatus(cmd.ProcessState, err)}
			done()
		}()
	}
	stop := func() {}
	if len(o.command) == 0 { // a command has the terminal for itself
		stop = showProgress(ctx, std.err, o.duration)
	}
	result.err = t.Run(ctx)
	stop()
	if len(o.command) > 0 {
		result.status = (<-ended).status
	}
	snap, err := t.Snapshot()
	result.err = errors.Join(result.err, err)
	snap.CommandLine = o.invocation
	snap.Version = version()
	snap.Machine = machine()
	return snap, result
}

// exitStatus is what a shell would report of a command.
func exitStatus(state *os.ProcessState, err error) int {
	if state == nil {
		return exitFailed
	}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	if state.ExitCode() < 0 && err != nil {
		return exitFailed
	}
	return state.ExitCode()
}

func (o *recordOptions) print(w io.Writer, snap profile.Snapshot) error {
	if o.format == "json" {
		return snap.WriteJSON(w)
	}
	return writeTable(w, snap, o.top)
}

func u32s(in []uint) []uint32 {
	out := make([]uint32, len(in))
	for i, v := range in {
		out[i] = uint32(v)
	}
	return out
}
