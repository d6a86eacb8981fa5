package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

const recordShort = "Profiles every invocation of BPF LSM programs, machine-wide"

// defaultStackSample keeps what stacks cost below what counting does.
const defaultStackSample = 64

// recordOptions are the flags of record.
type recordOptions struct {
	session
	duration   time.Duration
	output     string
	format     string
	top        int
	crossCheck crossCheckFlag
	stacks     stacksFlag
	stackEach  sampleFlag
	command    []string
}

func (o *recordOptions) flags(f *pflag.FlagSet) {
	f.DurationVarP(&o.duration, "duration", "d", 0, "how long to record; default: until the command ends or Ctrl-C")
	f.StringVar(&o.output, "output", "lsmprof.pb.gz", "pprof profile to write, - for none")
	f.StringVarP(&o.format, "format", "o", "text", "what stdout gets: text or json")
	f.IntVar(&o.top, "top", 30, "rows of the table, 0 for all")
	o.session.flags(f)
	f.Var(&o.crossCheck, "cross-check", "count and time with bpf_stats afterwards, without probes, and compare; a command is run again; auto: as long as the recording, 5s at most")
	f.Lookup("cross-check").NoOptDefVal = bareCrossCheck
	f.Var(&o.stacks, "stacks", "put the stacks under the profile's leaves: kernel, user or kernel,user")
	f.Lookup("stacks").NoOptDefVal = "kernel,user"
	o.stackEach = defaultStackSample
	f.Var(&o.stackEach, "stacks-sample", "take the stack of one of `N` invocations, at random")
}

func record(ctx context.Context, std streams, args []string) error {
	o := recordOptions{session: newSession("record", args)}
	f := newFlags(std, "record", "[-- command …]", recordShort)
	o.flags(f)
	if err := parse(f, args); err != nil {
		return err
	}
	o.command = f.Args()
	o.session.stacks, o.session.stackSample = o.stacks.Stacks, int(o.stackEach)
	if err := o.validate(f.ArgsLenAtDash()); err != nil {
		return usageError{fmt.Errorf("record: %w", err)}
	}
	return o.run(ctx, std)
}

func (o *recordOptions) validate(dash int) error {
	switch {
	case o.format != "text" && o.format != "json":
		return fmt.Errorf("-o %s: must be text or json", o.format)
	case o.duration < 0:
		return fmt.Errorf("--duration %s: must be positive", o.duration)
	case len(o.command) > 0 && dash != 0:
		return fmt.Errorf("unexpected argument %q; a command to run goes behind --", o.command[0])
	case len(o.command) > 0 && o.duration > 0:
		return errors.New("--duration and a command: give one of them")
	}
	if err := o.validateCrossCheck(); err != nil {
		return err
	}
	return o.session.validate()
}

func (o *recordOptions) run(ctx context.Context, std streams) error {
	out := &atomicfile.File{}
	if o.output != "-" {
		var err error
		if out, err = atomicfile.Create(o.output); err != nil {
			return err
		}
		defer out.Discard()
		out.KeepOld = true
	}
	t, err := o.start(ctx)
	if err != nil {
		return classify(err)
	}
	snap, result := o.measure(ctx, std, t)
	if err := errors.Join(result.err, t.Close()); err != nil {
		return err
	}
	if err := o.checkAcross(ctx, std, &snap); err != nil {
		return err
	}
	costs, err := snap.Costs()
	if err != nil {
		return err
	}
	if err := o.print(std.out, &costs); err != nil {
		return err
	}
	if o.output != "-" {
		kept, err := out.Commit(costs.Write)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.err, "%s; read it with: go tool pprof -top %s\n", wrote(o.output, kept), o.output)
	}
	if result.status != 0 {
		return exitError{result.status}
	}
	return nil
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
		cmd := o.newCommand(ctx)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = std.in, std.out, std.err
		if o.format == "json" {
			cmd.Stdout = std.err // stdout is one JSON object
		}
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
	o.containers.look(context.WithoutCancel(ctx)) // what started last has a name, too
	snap, err := o.snapshot(t)
	result.err = errors.Join(result.err, err)
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

func (o *recordOptions) print(w io.Writer, costs *profile.Costs) error {
	if o.format == "json" {
		return costs.WriteJSON(w)
	}
	return writeTable(w, costs, o.top)
}
