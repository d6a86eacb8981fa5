// Package cli is the command line: one file per command, each a declaration of its flags and a function from arguments
// and streams to an error. stdout is data, stderr is everything else.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/internal/text"
)

// streams are a command's files. Errors, progress and notes go to err, data to out.
type streams struct {
	in       io.Reader
	out, err io.Writer

	quiet, verbose bool // of --quiet and --verbose
}

// note prints what a user should know but need not act on. An empty text and --quiet print nothing.
func (s streams) note(text string) {
	if text != "" && !s.quiet {
		fmt.Fprintln(s.err, "lsmprof: note: "+text)
	}
}

// say prints a line to err that is neither an error nor a note. --quiet prints nothing.
func (s streams) say(text string) {
	if !s.quiet {
		fmt.Fprintln(s.err, text)
	}
}

// prose prints to out what write writes. On a terminal, sentences are broken between words.
func (s streams) prose(write func(io.Writer) error) error {
	if !terminal.Is(s.out) {
		return write(s.out)
	}
	var b strings.Builder
	err := write(&b)
	_, outErr := io.WriteString(s.out, text.WrapProse(b.String(), terminal.Width(s.out)))
	return errors.Join(err, outErr)
}

// command is one verb of the command line.
type command struct {
	cmdline.Command
	// setup declares the flags and returns what runs once they are parsed.
	setup func(f *cmdline.Flags) action
}

// action runs a command. args are all arguments after the command's name, as typed. It returns nil, a usageError, an
// unsupportedError, an exitError or any other error.
type action func(ctx context.Context, std streams, args []string) error

// Groups of commands in the help.
const (
	groupLook      = "Look at what an enforcer costs"
	groupBenchmark = "Benchmark it"
	groupRun       = "Run a server or an enforcer"
	groupOther     = "Other"
)

func commands() []*command {
	return []*command{
		checkCommand(), listCommand(), topCommand(), recordCommand(), traceCommand(),
		benchCommand(), reportCommand(), forecastCommand(),
		serveCommand(), enforceCommand(),
		completionCommand(), versionCommand(), manCommand(),
	}
}

// Main runs the command line args (without the program's name) and returns the exit code. SIGINT, SIGTERM and SIGHUP
// end a command cleanly, so that a lost ssh connection leaves nothing behind.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	defer stop()
	// The first signal stops a measurement and writes its results, a second one aborts.
	context.AfterFunc(ctx, stop)

	std := streams{in: stdin, out: terminal.Spell(stdout), err: terminal.Spell(stderr)}
	err := dispatch(ctx, std, args)
	var exit exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	}
	fmt.Fprintf(std.err, "lsmprof: %s\n", text.PrintableLines(inWords(ctx, err).Error()))
	switch {
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, new(unsupportedError)):
		return exitUnsupported
	}
	return exitFailed
}

// inWords returns the error that is printed. If a signal ended the command before it had results, that is all there is
// to say: the errors of what it interrupted are no news.
func inWords(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errors.New("interrupted before there was anything to write")
	}
	return err
}

// endSignals returns the signals that end a command. Under nohup, SIGHUP is ignored and must stay so.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// dispatch runs one command line.
func dispatch(ctx context.Context, std streams, args []string) error {
	t, actions := newTool()
	if len(args) == 0 {
		fmt.Fprint(std.err, t.Help(terminal.Width(std.err)))
		return usageError{errors.New("no command given")}
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "--help":
		return help(std, t, args)
	case "--version", "-V":
		name = "version"
	case cmdline.CompleteCommand:
		for _, candidate := range t.Complete(args) {
			fmt.Fprintln(std.out, candidate)
		}
		return nil
	}
	c := t.Find(name)
	if c == nil {
		return unknownCommand(t, name)
	}
	common := addCommon(c.Flags)
	if err := c.Flags.Parse(args, os.LookupEnv); err != nil {
		return usageError{fmt.Errorf("%s: %w; see `lsmprof %s --help`", name, err, name)}
	}
	if common.help || common.helpAll {
		_, err := io.WriteString(std.out, c.Help(t, terminal.Width(std.out), common.helpAll))
		return err
	}
	if c.Args == "" && c.Flags.NArg() > 0 {
		return usageError{fmt.Errorf("%s: %w", name,
			unexpected(c.Flags, c.Flags.Arg(0), fmt.Sprintf("see `lsmprof %s --help`", name)))}
	}
	std.quiet, std.verbose = common.quiet, common.verbose
	slog.SetDefault(newLogger(std, name))
	return actions[name](ctx, std, args)
}

// newTool declares the whole command line. actions are by the names of the commands.
func newTool() (t *cmdline.Tool, actions map[string]action) {
	t = &cmdline.Tool{
		Name:    "lsmprof",
		Summary: "Measures what a BPF LSM enforcer costs the system it protects.",
		URL:     "https://github.com/lsmprof/lsmprof/tree/main/docs",
		Exits:   exitStatuses(),
	}
	actions = map[string]action{}
	for _, c := range commands() {
		c.Flags = cmdline.NewFlags(c.Name)
		actions[c.Name] = c.setup(c.Flags)
		t.Commands = append(t.Commands, &c.Command)
	}
	return t, actions
}

// commonFlags are the flags of every command.
type commonFlags struct{ quiet, verbose, help, helpAll bool }

func addCommon(f *cmdline.Flags) *commonFlags {
	c := &commonFlags{}
	f.AddCommon(&c.quiet, &c.verbose, &c.help, &c.helpAll)
	return c
}

// help prints the help of the tool, or of the command that args name.
func help(std streams, t *cmdline.Tool, args []string) error {
	if len(args) == 0 {
		_, err := io.WriteString(std.out, t.Help(terminal.Width(std.out)))
		return err
	}
	c := t.Find(args[0])
	if c == nil {
		return unknownCommand(t, args[0])
	}
	addCommon(c.Flags)
	_, err := io.WriteString(std.out, c.Help(t, terminal.Width(std.out), len(args) > 1 && args[1] == "--help-all"))
	return err
}

// unexpected returns the error for an argument, with advice unless it looks like the value of an optional flag.
func unexpected(f *cmdline.Flags, arg, advice string) error {
	if flag := f.Optional(arg); flag != "" {
		advice = fmt.Sprintf("did you mean --%s=%s?", flag, arg)
	}
	return fmt.Errorf("unexpected argument %q; %s", arg, advice)
}

func unknownCommand(t *cmdline.Tool, name string) error {
	return usageError{fmt.Errorf("unknown command %q%s; `lsmprof help` lists them", name,
		cmdline.DidYouMean(name, t.Names()))}
}
