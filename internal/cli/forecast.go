package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/forecast"
	"github.com/lsmprof/lsmprof/internal/recording"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/profile"
)

// forecastOptions are the flags of forecast.
type forecastOptions struct {
	session
	cmdline.Destination
	model     string
	profile   string
	duration  time.Duration
	rules     rulesFlag
	policy    string
	budget    float64
	workloads []string // globs
	top       int
}

// rulesFlag is --rules.
type rulesFlag struct{ forecast.Rules }

func (f *rulesFlag) Set(s string) (err error) {
	f.Rules, err = forecast.ParseRules(s)
	return err
}

func (f *rulesFlag) Type() string { return "N|TYPE=N,..." }

func (f *rulesFlag) String() string {
	if f == nil || f.Rules == nil {
		return ""
	}
	return f.Rules.String()
}

func (o *forecastOptions) flags(f *cmdline.Flags) {
	f.Group("What to forecast")
	f.Var(&o.rules, "rules", "Forecast this number of rules: 8 of each type, or numbers by type, as in "+
		"file=50,net=20. Types that are not named stay as they are.")
	f.Var(cmdline.File(&o.policy), "policy",
		"Count the rules of this VarmorPolicy, KubeArmorPolicy or TracingPolicy, "+
			"and forecast those.")
	f.Var(cmdline.Percent(&o.budget), "budget",
		"Print how many rules of each type cost at most this share of a CPU, or "+
			"of the score of a test.")
	f.Group("From what")
	f.Var(cmdline.Directory(&o.model), "model",
		"Take the cost of a rule from the benchmark in this `RUN` directory. "+
			"Without it, it comes from the recording, if workloads have different numbers of rules there.")
	f.Var(cmdline.File(&o.profile), "profile",
		"Take the calls of each workload from this `FILE` of record: its profile, "+
			"or what --json printed.")
	f.VarP(cmdline.Duration(&o.duration, cmdline.Positive), "duration", "d",
		"Record for this long instead, and take "+
			"the calls from that. This needs root; the filters are those of record.")
	f.Var(cmdline.Globs(&o.workloads), "workload",
		"Only workloads whose name matches one of these globs. A star also "+
			"stands for slashes.")
	f.Group(cmdline.Output)
	o.FormatFlags(f, "text", "json")
	o.top = 15
	f.Var(cmdline.Int(&o.top, 0, 1<<20), "top", "Print this many workloads, hooks and budgets; 0 prints all.")
	o.unknown.noRules = true
	o.session.flags(f)
}

func forecastCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "forecast", Group: groupBenchmark,
			Summary: "Forecast what other rules would cost, and how many are affordable",
			Text: "A benchmark shows what a rule costs, and a recording which hooks a workload calls. " +
				"lsmprof multiplies the two, with an interval that contains the errors of both. " +
				"Without a recording it forecasts the tests of the benchmark. Unless it records, it " +
				"needs neither root nor BPF.",
			Examples: []cmdline.Example{
				{
					What:    "What would 50 file rules cost the pods of this node?",
					Command: "sudo lsmprof forecast --model RUN -d 30s --rules file=50",
				},
				{
					What:    "How many rules fit into 2 % of a CPU?",
					Command: "lsmprof forecast --model RUN --profile lsmprof.pb.gz --budget 2%",
				},
				{
					What:    "What would this policy cost?",
					Command: "lsmprof forecast --model RUN --profile FILE --policy web.yaml",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var o forecastOptions
			o.flags(f)
			return func(ctx context.Context, std streams, args []string) error {
				o.invocation = invocation("forecast", args)
				if err := errors.Join(o.validate(), o.unused(f)); err != nil {
					return usageError{fmt.Errorf("forecast: %w", err)}
				}
				if err := o.run(ctx, std); err != nil {
					return fmt.Errorf("forecast: %w", classify(err))
				}
				return nil
			}
		},
	}
}

func (o *forecastOptions) validate() error {
	switch {
	case o.rules.Rules == nil && o.policy == "" && o.budget == 0:
		return errors.New("nothing to forecast: give --rules, --policy or --budget")
	case o.rules.Rules != nil && o.policy != "":
		return errors.New("--rules and --policy: give one of them")
	case o.model == "" && o.profile == "" && o.duration == 0:
		return errors.New("nothing to forecast from: give --model RUN, and --profile FILE or -d 30s for the " +
			"calls of real workloads")
	case o.profile != "" && o.duration > 0:
		return errors.New("--profile and --duration: give one of them")
	}
	if o.duration == 0 {
		return nil
	}
	return o.session.validate()
}

// unused returns an error if the command line filters or calibrates a recording that is not made.
func (o *forecastOptions) unused(f *cmdline.Flags) error {
	if o.duration > 0 {
		return nil
	}
	for _, name := range recordingFlags() {
		if f.Changed(name) {
			return fmt.Errorf("--%s without --duration: it is for a recording by forecast itself",
				name)
		}
	}
	return nil
}

// recordingFlags returns the names of the flags that forecast shares with record.
func recordingFlags() []string {
	f := cmdline.NewFlags("")
	s := session{unknown: enforcerFlags{noRules: true}}
	s.flags(f)
	var names []string
	f.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}

func (o *forecastOptions) run(ctx context.Context, std streams) (err error) {
	defer o.unknown.close(&err)
	q := forecast.Question{
		Rules: o.rules.Rules, Budget: o.budget, Most: o.top, Name: recordingName(o.profile, o.duration),
	}
	if o.policy != "" {
		if q.Policy, err = forecast.OpenPolicy(o.policy); err != nil {
			return err
		}
	}
	if q.Run, err = o.openModel(); err != nil {
		return err
	}
	if q.Recording, q.Workloads, err = o.calls(ctx, std, q.Run); err != nil {
		return err
	}
	if q.Run != nil {
		q.Model, err = forecast.FitRun(q.Run, o.model)
	} else if q.Model, err = forecast.FitWorkloads(q.Workloads); err != nil {
		err = fmt.Errorf("%w; or give a benchmark with --model", err)
	}
	if err != nil {
		return err
	}
	if q.Workloads, err = forecast.Select(q.Workloads, o.workloads); err != nil {
		return fmt.Errorf("--workload %w", err)
	}
	doc, err := q.Answer()
	if err != nil {
		return err
	}
	doc.Version, doc.CommandLine = version(), o.invocation
	if o.JSON() {
		return doc.WriteJSON(std.out)
	}
	out := forecast.Text{Document: doc, Top: o.top, Verbose: std.verbose}
	if terminal.Is(std.out) {
		out.Width = terminal.Width(std.out)
	}
	return std.prose(out.Write)
}

// recordingName returns what the calls of workloads are from.
func recordingName(file string, duration time.Duration) string {
	if file != "" {
		return "the recording " + file
	}
	return "a recording of " + duration.String()
}

// openModel opens the benchmark of --model, or returns nil without one.
func (o *forecastOptions) openModel() (*rundir.Run, error) {
	if o.model == "" {
		return nil, nil
	}
	run, err := rundir.Open(o.model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; `lsmprof bench -o DIR` makes a run directory", o.model, err)
	}
	return run, nil
}

// calls returns the workloads: those of a recording, or the tests of the benchmark.
func (o *forecastOptions) calls(ctx context.Context, std streams, run *rundir.Run) (
	*profile.Document, []forecast.Workload, error,
) {
	switch {
	case o.profile != "":
		doc, err := forecast.OpenRecording(o.profile)
		if err != nil {
			return nil, nil, err
		}
		return doc, forecast.OfRecording(doc), nil
	case o.duration > 0:
		doc, err := o.record(ctx, std)
		if err != nil {
			return nil, nil, err
		}
		return doc, forecast.OfRecording(doc), nil
	}
	all := forecast.OfTests(run)
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("%s: no test reaches a hook with rules; give a recording with --profile "+
			"or -d", o.model)
	}
	return nil, all, nil
}

// record records the whole machine, or what the filters select.
func (o *forecastOptions) record(ctx context.Context, std streams) (*profile.Document, error) {
	t, err := o.start(ctx, std)
	if err != nil {
		return nil, err
	}
	work := &recording.Work{Duration: o.duration, Show: std.showRecording}
	snap, _, err := o.measure(ctx, t, work)
	if err := errors.Join(err, t.Close()); err != nil {
		return nil, err
	}
	costs, err := snap.Costs()
	if err != nil {
		return nil, err
	}
	if len(costs.Rows) == 0 {
		return nil, errors.New("no call passed while lsmprof recorded: record for longer, or with other " +
			"filters")
	}
	return costs.Document(), nil
}
