// Package cli is the command line: one file per command, each a function from arguments and streams to an error. stdout is
// data, stderr is everything else.
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
	"text/tabwriter"

	"github.com/spf13/pflag"
)

// Exit codes, documented in the README.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnsupported = 3
)

// streams are a command's files. Errors and progress go to err, data to out.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// command is one verb of the command line. run returns nil, a usageError, an unsupportedError, an exitError or any other error.
type command struct {
	name, args, short string
	run               func(ctx context.Context, std streams, args []string) error
}

func commands() []command {
	return []command{
		checkCommand(findEnforcers),
		{"list", "[-o text|json]", "list BPF LSM programs, and the rules of each workload", list},
		{"record", "[flags] [-- command …]", "profile until the command, the duration or Ctrl-C ends it", record},
		{"top", "[flags]", "show live what the hooks cost", topCmd},
		{"trace", "[flags]", "show single invocations as they happen", trace},
		{"serve", "[flags]", "answer pprof and Prometheus over HTTP", serveCmd},
		{"bench", "[flags]", "benchmark an enforcer, and explain what it costs", benchCmd},
		{"report", "RUN [NEWER-RUN]", "report on a bench, or compare two: HTML, Markdown, JSON, CSV", reportCmd},
		{"enforce", "--rules N (--pid PID|--mntns INUM)", "run the reference enforcer in a mount namespace", enforce},
		versionCommand(),
	}
}

// usageError is a mistake in the command line: exit code 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// unsupportedError is a machine that cannot do what was asked: exit code 3.
type unsupportedError struct{ err error }

func (e unsupportedError) Error() string { return e.err.Error() }
func (e unsupportedError) Unwrap() error { return e.err }

// exitError carries the exit status of a command that lsmprof ran: it is passed on without a message.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// Main runs the command line args (without the program's name) and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	slog.SetDefault(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{ReplaceAttr: dropTime})))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal stops and writes what was measured, a second aborts.
	context.AfterFunc(ctx, stop)

	err := dispatch(ctx, streams{stdin, stdout, stderr}, args)
	var exit exitError
	switch {
	case err == nil, errors.Is(err, pflag.ErrHelp):
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	}
	fmt.Fprintf(stderr, "lsmprof: %v\n", err)
	switch {
	case errors.As(err, new(usageError)):
		return exitUsage
	case errors.As(err, new(unsupportedError)):
		return exitUnsupported
	}
	return exitFailed
}

func dispatch(ctx context.Context, std streams, args []string) error {
	if len(args) == 0 {
		usage(std.err)
		return usageError{errors.New("no command given")}
	}
	switch args[0] {
	case "help", "-h", "--help":
		usage(std.out)
		return nil
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, std, args[1:])
		}
	}
	return usageError{fmt.Errorf("unknown command %q; `lsmprof help` lists them", args[0])}
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Measures what a BPF LSM enforcer costs the system it protects.\n\nUsage:\n")
	lines := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(lines, "  %s\t%s\n", strings.TrimSpace("lsmprof "+c.name+" "+c.args), c.short)
	}
	lines.Flush()
	fmt.Fprint(w, "\n`lsmprof COMMAND --help` shows the flags of a command.\n")
}

// newFlags is a flag set whose help goes to stdout and whose errors are usage errors.
func newFlags(std streams, name, args, short string) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SortFlags = false
	f.SetOutput(io.Discard)
	f.Usage = func() {
		fmt.Fprintf(std.out, "%s.\n\nUsage: %s\n\n%s", short, strings.TrimSpace("lsmprof "+name+" [flags] "+args), f.FlagUsages())
	}
	return f
}

// parse reports mistakes in the flags as usage errors and leaves a request for help as it is.
func parse(f *pflag.FlagSet, args []string) error {
	err := f.Parse(args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return usageError{fmt.Errorf("%s: %w; see `lsmprof %s --help`", f.Name(), err, f.Name())}
}

func dropTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
