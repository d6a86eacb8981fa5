package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/tracefmt"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// traceOptions are the flags of trace.
type traceOptions struct {
	session
	slowerThan time.Duration
	denied     bool
	syscalls   []string
	args       bool
	duration   time.Duration
	count      int
	cmdline.Destination
}

func (o *traceOptions) flags(f *cmdline.Flags) {
	f.Group(cmdline.Measure)
	f.VarP(cmdline.Duration(&o.duration, cmdline.Positive), "duration", "d",
		"Stop after this long. By default Ctrl-C stops.")
	f.VarP(cmdline.Int(&o.count, 1, math.MaxInt), "count", "n", "Stop after this many calls.")
	f.Lookup("count").DefValue = ""
	f.BoolVar(&o.args, "args", false, "Show what a call is about: a path, an address, a process or a capability.")
	f.Var(stacksValue(&o.stacks), "stack", "Show the stacks of each call: kernel, user or kernel,user.")
	f.Lookup("stack").NoOptDefVal = "kernel,user"
	f.Group(cmdline.Filters)
	f.Var(cmdline.Duration(&o.slowerThan, 0), "slower-than",
		"Show only calls whose program runs at least this long.")
	f.BoolVar(&o.denied, "denied", false, "Show only calls that are denied.")
	f.StringSliceVar(&o.syscalls, "syscall", nil,
		"Show only calls in these syscalls, such as openat, ia32:open or [io_uring].")
	f.Values("syscall", kernel.SyscallNames)
	o.Destination.Flags(f, "Write to this `FILE` instead of stdout. It appears when the trace ends.",
		"text", "json")
	o.session.flags(f)
	f.Lookup("memory").Usage = "Use at most this much kernel memory for the rings of all CPUs together, in `MiB`."
	f.Lookup("sample").Usage = "Look at only one call in `N`, chosen at random."
}

func traceCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "trace", Group: groupLook,
			Summary: "Show single calls of BPF LSM programs as they happen",
			Text: "Filters apply in the kernel: a call that does not match costs about a third less " +
				"than one that does. If calls come faster than they can be printed, lsmprof drops " +
				"some and says how many. If no call passes the filters, lsmprof says which calls " +
				"there are without them, and exits with status 1.",
			Examples: []cmdline.Example{
				{
					What:    "Show what is denied, and which file or address it is about",
					Command: "sudo lsmprof trace --denied --args",
				},
				{What: "Show ten slow calls", Command: "sudo lsmprof trace --slower-than 20us -n 10"},
				{
					What:    "Show what one process does, as JSON",
					Command: "sudo lsmprof trace --pid 1234 -d 10s --json",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var o traceOptions
			o.flags(f)
			return func(ctx context.Context, std streams, args []string) error {
				o.invocation = invocation("trace", args)
				if err := o.validate(); err != nil {
					return usageError{fmt.Errorf("trace: %w", err)}
				}
				return std.produce(&o.Destination, func(std streams) error { return o.trace(ctx, std) })
			}
		},
	}
}

func (o *traceOptions) trace(ctx context.Context, std streams) (err error) {
	defer o.unknown.close(&err)
	s, err := o.start(ctx, std)
	if err != nil {
		return classify(err)
	}
	loss, err := o.run(ctx, std, s)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if filters := o.filterText(); filters != "" && loss.Received+loss.Total() == 0 {
		return o.nothingPassed(ctx, std, "trace", filters)
	}
	return nil
}

// start calibrates and attaches the probes that emit events.
func (o *traceOptions) start(ctx context.Context, std streams) (*tracer.Stream, error) {
	p := terminal.NewProgress(std.err, std.quiet)
	defer p.End()
	common, err := o.prepare(ctx, p)
	if err != nil {
		return nil, err
	}
	s, err := tracer.StartTrace(ctx, tracer.TraceOptions{
		Select: common.Select, Functions: common.Functions, Filter: common.Filter, Enforcers: common.Enforcers,
		PolicyRules: common.PolicyRules, Namer: common.Namer,
		Calibration: common.Calibration, Progress: common.Progress, Logger: common.Logger,
		Memory: common.Memory, Sample: common.Sample, Self: common.Self,
		SlowerThan: o.slowerThan, Denied: o.denied, Syscalls: o.syscalls, About: o.args,
		Stacks: common.Stacks,
	})
	if err != nil {
		return nil, memoryAdvice(err)
	}
	o.noteFunctions(std)
	if err := o.ready(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o *traceOptions) validate() error {
	for _, name := range o.syscalls {
		if !kernel.KnownSyscall(name) {
			return fmt.Errorf("--syscall %s: not known on this machine%s", name,
				cmdline.DidYouMean(name, kernel.SyscallNames()))
		}
	}
	return o.session.validate()
}

// errEnough ends a trace after --count calls.
var errEnough = errors.New("enough")

// run prints calls until the duration, the number of calls or the user ends it. It returns which calls were lost.
func (o *traceOptions) run(ctx context.Context, std streams, s *tracer.Stream) (tracer.Loss, error) {
	if o.duration > 0 {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, o.duration)
		defer done()
	}
	programs, err := s.Programs()
	if err != nil {
		return tracer.Loss{}, err
	}
	w := o.writer(std, programs)
	printed := 0
	err = s.Trace(ctx, func(e *tracer.Event) error {
		if err := w.Event(e); err != nil {
			return err
		}
		if printed++; printed == o.count {
			return errEnough
		}
		return nil
	}, w.Lost)
	if err != nil && !errors.Is(err, errEnough) {
		return tracer.Loss{}, err
	}
	loss, err := s.Loss()
	if err != nil {
		return loss, err
	}
	return loss, w.End(loss)
}

// filterText spells out all filters, as they were given.
func (o *traceOptions) filterText() string {
	given := []string{o.session.filterText()}
	if o.slowerThan > 0 {
		given = append(given, "--slower-than "+o.slowerThan.String())
	}
	if o.denied {
		given = append(given, "--denied")
	}
	if len(o.syscalls) > 0 {
		given = append(given, "--syscall "+strings.Join(o.syscalls, ","))
	}
	return strings.TrimSpace(strings.Join(given, " "))
}

func (o *traceOptions) writer(std streams, programs []profile.Program) tracefmt.Writer {
	if o.JSON() {
		return tracefmt.NewJSON(std.out, time.Now)
	}
	text := tracefmt.TextOptions{
		About: o.args, Programs: programs, Start: time.Now(),
		Advice: "narrow down with --slower-than, --denied, --syscall, --hook or --sample",
	}
	if terminal.Is(std.out) {
		text.Width, text.Color = terminal.Width(std.out), terminal.Colors(std.out)
	}
	return tracefmt.NewText(std.out, std.err, text)
}

// stacksValue returns the value of a flag for stacks: kernel, user or kernel,user.
func stacksValue(s *tracer.Stacks) pflag.Value {
	return cmdline.AnyOf("WHICH", []string{"kernel", "user"}, &s.Kernel, &s.User)
}
