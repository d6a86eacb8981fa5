package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/tracefmt"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

const traceShort = "Shows single invocations of BPF LSM programs as they happen"

// traceOptions are the flags of trace.
type traceOptions struct {
	session
	slowerThan time.Duration
	denied     bool
	syscalls   []string
	hooks      []string
	args       bool
	stacks     stacksFlag
	duration   time.Duration
	count      int
	format     string
}

func (o *traceOptions) flags(f *pflag.FlagSet) {
	f.DurationVar(&o.slowerThan, "slower-than", 0, "only invocations whose body takes at least so long")
	f.BoolVar(&o.denied, "denied", false, "only invocations that deny")
	f.StringSliceVar(&o.syscalls, "syscall", nil, "only invocations in these syscalls: openat, ia32:open, [io_uring]")
	f.StringSliceVar(&o.hooks, "hook", nil, "only programs on hooks that match one of these globs")
	f.BoolVar(&o.args, "args", false, "tell what a call is about: path, address, process, capability")
	f.Var(&o.stacks, "stack", "show the stacks of each invocation: kernel, user or kernel,user")
	f.Lookup("stack").NoOptDefVal = "kernel,user"
	f.DurationVarP(&o.duration, "duration", "d", 0, "end after so long; default: with Ctrl-C")
	f.IntVarP(&o.count, "count", "n", 0, "end after so many invocations")
	f.StringVarP(&o.format, "format", "o", "text", "text, or json: one object per line")
	o.session.flags(f)
	f.Lookup("memory").Usage = "bound on the rings of all CPUs together, MiB of kernel memory"
	f.Lookup("sample").Usage = "look at one of `N` invocations only, at random"
}

func trace(ctx context.Context, std streams, args []string) error {
	o := traceOptions{session: newSession("trace", args)}
	f := newFlags(std, "trace", "", traceShort)
	o.flags(f)
	if err := parseNoArgs(f, args); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return usageError{fmt.Errorf("trace: %w", err)}
	}
	o.session.hooks = o.hooks
	o.session.trace = &tracer.Events{
		SlowerThan: o.slowerThan, Denied: o.denied, Syscalls: o.syscalls, About: o.args, Stacks: o.stacks.Stacks,
	}
	t, err := o.start(ctx)
	if err != nil {
		return classify(err)
	}
	return errors.Join(o.run(ctx, std, t), t.Close())
}

func (o *traceOptions) validate() error {
	switch {
	case o.format != "text" && o.format != "json":
		return fmt.Errorf("-o %s: must be text or json", o.format)
	case o.slowerThan < 0:
		return fmt.Errorf("--slower-than %s: must not be negative", o.slowerThan)
	case o.duration < 0:
		return fmt.Errorf("--duration %s: must be positive", o.duration)
	case o.count < 0:
		return fmt.Errorf("--count %d: must not be negative", o.count)
	}
	for _, name := range o.syscalls {
		if !kernel.KnownSyscall(name) {
			return fmt.Errorf("--syscall %s: not known on this machine; a name as lsmprof shows it, such as openat, ia32:open or [io_uring]", name)
		}
	}
	for _, glob := range o.hooks {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("--hook %s: %w", glob, err)
		}
	}
	return o.session.validate()
}

// errEnough ends a trace after --count calls.
var errEnough = errors.New("enough")

func (o *traceOptions) run(ctx context.Context, std streams, t *tracer.Tracer) error {
	if o.duration > 0 {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, o.duration)
		defer done()
	}
	start, err := t.Snapshot()
	if err != nil {
		return err
	}
	w := o.writer(std, start.Programs)
	printed := 0
	err = t.Trace(ctx, func(inv *tracer.Invocation) error {
		if err := w.Call(inv); err != nil {
			return err
		}
		if printed++; printed == o.count {
			return errEnough
		}
		return nil
	}, w.Lost)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	loss, err := t.Loss()
	if err != nil {
		return err
	}
	return w.End(loss)
}

func (o *traceOptions) writer(std streams, programs []profile.Program) tracefmt.Writer {
	if o.format == "json" {
		return tracefmt.NewJSON(std.out, time.Now)
	}
	text := tracefmt.TextOptions{
		About: o.args, Programs: programs, Start: time.Now(),
		Advice: "narrow down with --slower-than, --denied, --syscall, --hook or --sample",
	}
	if isTerminal(std.out) {
		text.Width, text.Color = width(std.out), os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return tracefmt.NewText(std.out, std.err, text)
}

// stacksFlag is `kernel`, `user` or `kernel,user`.
type stacksFlag struct{ tracer.Stacks }

func (s *stacksFlag) Set(value string) error {
	s.Stacks = tracer.Stacks{}
	for name := range strings.SplitSeq(value, ",") {
		switch name {
		case "kernel":
			s.Kernel = true
		case "user":
			s.User = true
		default:
			return fmt.Errorf("%q: must be kernel, user or kernel,user", value)
		}
	}
	return nil
}

func (s *stacksFlag) String() string {
	names := []string{"", "kernel", "user", "kernel,user"}
	i := 0
	if s.Kernel {
		i = 1
	}
	if s.User {
		i += 2
	}
	return names[i]
}

func (s *stacksFlag) Type() string { return "which" }
