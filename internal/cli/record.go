package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/costtable"
	"github.com/lsmprof/lsmprof/internal/recording"
)

// defaultStackSample is N in one call of N whose stack is recorded. It keeps the cost of stacks below that of counting.
const defaultStackSample = 64

// recordOptions are the flags of record.
type recordOptions struct {
	session
	otlpFlags
	duration time.Duration
	cmdline.Destination
	top      int
	by, sort string // of the table
	html     string // file of the page; "": none
	passFlags
	all     bool
	command []string
}

func (o *recordOptions) flags(f *cmdline.Flags) {
	f.Group(cmdline.Measure)
	f.VarP(cmdline.Duration(&o.duration, cmdline.Positive), "duration", "d",
		"Record for this long. By default the command or Ctrl-C ends the recording.")
	f.BoolVar(&o.all, "all", false, "With a command, record the whole machine while it runs.")
	f.Var(stacksValue(&o.stacks), "stacks", "Record stacks as well: kernel, user or kernel,user.")
	f.Lookup("stacks").NoOptDefVal = "kernel,user"
	o.stackSample = defaultStackSample
	f.Var(cmdline.OneIn(&o.stackSample, maxSample), "stacks-sample",
		"Record the stack of one call in `N`, chosen at random.")
	o.linesFlag(f)
	o.eachRuleFlags(f)
	o.Path = "lsmprof.pb.gz"
	o.Destination.Flags(f, "Write the pprof profile to this `FILE`; - writes none.", "text", "json")
	f.StringVar(&o.html, "html", "",
		"Write the report on the profile, a page with tables and flame graphs, to this "+
			"`FILE`.")
	f.Var(cmdline.Choice(&o.by, costtable.GroupingNames()...), "by",
		"Print a row of the table for each of these. By "+
			"default a row is a workload, syscall, hook, program and number of rules.")
	f.Lookup("by").DefValue = ""
	o.sort = costtable.Orders()[0]
	f.Var(cmdline.Choice(&o.sort, costtable.Orders()...), "sort", "Sort the table by this.")
	o.otlpFlags.flags(f)
	f.Rare("otlp")
	o.top = 30
	f.Var(cmdline.Int(&o.top, 0, math.MaxInt), "top", "Print this many rows of the table; 0 prints all.")
	o.session.flags(f)
	f.Group(cmdline.Accuracy)
	o.crossCheckFlag(f)
	f.Rare("stacks-sample")
	o.host.flags(f)
}

func recordCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "record", Args: "[-- COMMAND...]", Group: groupLook,
			Summary: "Record what BPF LSM programs cost, for the whole machine or a part of it",
			Text: "lsmprof times every call until the duration is over, the command ends, or Ctrl-C. " +
				"It prints a table and writes a profile for `go tool pprof`. An earlier profile " +
				"of that name is kept as FILE.old.\n\nWith a command, lsmprof records only its " +
				"processes: the command from its execve on, and everything that it starts. --all " +
				"and the filters on processes and containers select others. stdout then belongs " +
				"to the command, and the table goes to stderr. lsmprof exits with the command's " +
				"status, or with 127 if the command is not found and 126 if it cannot be executed.",
			Examples: []cmdline.Example{
				{What: "Record everything for 30 seconds", Command: "sudo lsmprof record -d 30s"},
				{
					What:    "Record one pod, with stacks",
					Command: "sudo lsmprof record -d 30s --pod shop/web-0 --stacks",
				},
				{
					What:    "Record a command and everything it starts",
					Command: "sudo lsmprof record -- make test",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var o recordOptions
			o.flags(f)
			return func(ctx context.Context, std streams, args []string) error {
				o.invocation = invocation("record", args)
				o.command = f.Args()
				if len(o.command) > 0 && f.ArgsLenAtDash() != 0 {
					return usageError{fmt.Errorf("record: %w", noCommand(f, o.command[0]))}
				}
				if err := o.validate(); err != nil {
					return usageError{fmt.Errorf("record: %w", err)}
				}
				std.note(o.Note)
				return o.run(ctx, std)
			}
		},
	}
}

// noCommand returns the error for an argument that is no command, because -- is missing before it.
func noCommand(f *cmdline.Flags, arg string) error {
	duration := cmdline.Duration(new(time.Duration), cmdline.Positive)
	for _, unit := range []string{"", "s"} {
		if duration.Set(arg+unit) == nil {
			return unexpected(f, arg, fmt.Sprintf("did you mean -d %s?", arg+unit))
		}
	}
	return unexpected(f, arg, "put a command to run after --")
}

func (o *recordOptions) validate() error {
	switch {
	case len(o.command) > 0 && o.duration > 0:
		return errors.New("--duration and a command: give one of them")
	case len(o.command) == 0 && o.all:
		return errors.New("--all without a command: the whole machine is recorded anyway")
	}
	if err := o.passFlags.check(o.work(streams{}), o.selectsProcesses()); err != nil {
		return err
	}
	return o.session.validate()
}

func (o *recordOptions) run(ctx context.Context, std streams) (err error) {
	defer o.unknown.close(&err)
	exporter, err := o.exporter()
	if err != nil {
		return usageError{fmt.Errorf("record: %w", err)}
	}
	if err := o.findCommand(std); err != nil {
		return err
	}
	if err := o.supported(); err != nil {
		return classify(err)
	}
	o.session.command = len(o.command) > 0 && !o.all && !o.crossCheck.on && !o.selectsProcesses()
	out := &atomicfile.File{}
	if o.Path != "-" {
		if out, err = atomicfile.Create(o.Path); err != nil {
			return err
		}
		defer out.Discard()
		out.KeepOld = true
	}
	t, err := o.start(ctx, std)
	if err != nil {
		return classify(err)
	}
	work := o.work(std)
	snap, status, err := o.measure(ctx, t, work)
	if start := (*recording.StartError)(nil); errors.As(err, &start) {
		err = didNotStart(std, o.command[0], start.Err, exitNotExecutable)
	}
	if err := errors.Join(err, t.Close()); err != nil {
		return err
	}
	// A mistyped name must not look like a machine at rest, nor replace an earlier profile by an empty one.
	if filters := o.filterText(); filters != "" && snap.Total().Calls() == 0 {
		return o.nothingPassed(ctx, std, "record", filters)
	}
	if err := o.pass(ctx, work, &snap); err != nil {
		return err
	}
	costs, err := snap.Costs()
	if err != nil {
		return err
	}
	if err := o.print(std, &costs); err != nil {
		return err
	}
	if o.Path != "-" {
		if err := o.writeProfile(std, out, &costs, snap.Inside); err != nil {
			return err
		}
	}
	if o.html != "" {
		if err := o.writePage(std, &costs); err != nil {
			return err
		}
	}
	if exporter != nil {
		if err := o.send(ctx, exporter, &costs); err != nil {
			return err
		}
	}
	if err := o.writeRules(std, snap.EachRule); err != nil {
		return err
	}
	if status != 0 {
		return exitError{status}
	}
	return nil
}
