package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/costtable"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/internal/top"
	"github.com/lsmprof/lsmprof/tracer"
)

// topOptions are the flags of top.
type topOptions struct {
	session
	interval   time.Duration
	iterations int
	by         string
	cmdline.Destination
	top int
}

func (o *topOptions) flags(f *cmdline.Flags) {
	f.Group(cmdline.Measure)
	o.interval = time.Second
	f.VarP(cmdline.Duration(&o.interval, tracer.PollInterval), "interval", "i", "Update this often.")
	f.VarP(cmdline.Int(&o.iterations, 1, math.MaxInt), "iterations", "n",
		"End after this many intervals. By default q or Ctrl-C ends it.")
	f.Lookup("iterations").DefValue = ""
	o.by = costtable.GroupingNames()[0]
	f.Var(cmdline.Choice(&o.by, costtable.GroupingNames()...), "by", "Show a row for each of these.")
	o.Destination.Flags(f, "Write to this `FILE` instead of the terminal. It appears when lsmprof ends.",
		"text", "json")
	o.top = 30
	f.Var(cmdline.Int(&o.top, 0, math.MaxInt), "top",
		"Print this many rows of each table where stdout is not a terminal; 0 prints all.")
	o.session.flags(f)
	o.host.flags(f)
}

func topCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "top", Args: "[SECONDS]", Group: groupLook,
			Summary: "Show live what BPF LSM programs cost",
			Text: "On a terminal, ? lists the keys, and Enter descends into a row. Elsewhere lsmprof " +
				"prints a table for each interval. SECONDS is a short form of --interval.",
			Examples: []cmdline.Example{
				{What: "Watch what each workload pays", Command: "sudo lsmprof top"},
				{What: "Watch syscalls every five seconds", Command: "sudo lsmprof top --by syscall 5"},
				{What: "Print one table", Command: "sudo lsmprof top -n 1 | cat"},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var o topOptions
			o.flags(f)
			return func(ctx context.Context, std streams, args []string) error {
				o.invocation = invocation("top", args)
				if err := errors.Join(o.setInterval(f.Args()), o.validate()); err != nil {
					return usageError{fmt.Errorf("top: %w", err)}
				}
				return std.produce(&o.Destination, func(std streams) error { return o.run(ctx, std) })
			}
		},
	}
}

// setInterval takes the interval from the arguments, in seconds, if there is one.
func (o *topOptions) setInterval(args []string) error {
	if len(args) == 0 {
		return nil
	}
	if len(args) > 1 {
		return fmt.Errorf("unexpected argument %q", args[1])
	}
	s, err := strconv.ParseFloat(strings.TrimSuffix(args[0], "s"), 64)
	o.interval = time.Duration(s * float64(time.Second))
	if err != nil || !(o.interval >= top.MinInterval && o.interval <= time.Hour) {
		return fmt.Errorf("%q: must be a number of seconds from %g to 3600", args[0], top.MinInterval.Seconds())
	}
	return nil
}

func (o *topOptions) run(ctx context.Context, std streams) (err error) {
	defer o.unknown.close(&err)
	by := slices.Index(costtable.GroupingNames(), o.by)
	interactive := !o.JSON() && terminal.Screen(std.out)
	if interactive {
		o.logger = slog.New(slog.DiscardHandler) // the screen shows the tracer's warnings
	}
	t, err := o.start(ctx, std)
	if err != nil {
		return classify(err)
	}
	feed := top.Feed{
		Recording: t, PollInterval: tracer.PollInterval, CPUTime: kernel.CPUTime,
		Lines: cmp.Or(o.lines, tracer.DefaultLines),
	}
	if interactive {
		err = o.interact(ctx, &feed, top.New(by, o.interval))
	} else {
		err = o.print(ctx, std.out, &feed, top.New(by, o.interval))
	}
	if !std.quiet {
		last := feed.Last()
		facts := last.Facts()
		if !std.verbose {
			facts = facts[:1] // completeness
			if last.OwnCalls > 0 {
				facts = append(facts, "left out: "+text.Plural(last.OwnCalls, "call")+
					" of lsmprof itself; --self shows them")
			}
		}
		for _, line := range facts {
			fmt.Fprintln(std.err, text.Printable(line))
		}
	}
	return errors.Join(err, t.Close())
}

// interact shows the model on the terminal until the user ends it.
func (o *topOptions) interact(ctx context.Context, f *top.Feed, m *top.Model) error {
	screen, err := top.OpenScreen()
	if err != nil {
		return fmt.Errorf("%w; `lsmprof top | cat` prints tables instead", err)
	}
	defer screen.Close()
	// A line on stderr, for example about containers, would garble the screen.
	old := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	defer slog.SetDefault(old)

	show := func() error {
		screen.Draw(m)
		return nil
	}
	return f.Run(ctx, m, o.iterations, screen.Events(), show, func(e top.Event) bool { return screen.Handle(e, m) })
}

// print writes a table or an object per interval.
func (o *topOptions) print(ctx context.Context, w io.Writer, f *top.Feed, m *top.Model) error {
	return f.Run(ctx, m, o.iterations, nil, func() error {
		if o.JSON() {
			return m.WriteJSON(w)
		}
		return m.WriteText(w, o.top)
	}, nil)
}
