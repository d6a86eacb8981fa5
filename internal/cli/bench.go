package cli

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/bench"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/report"
)

const (
	benchShort     = "Measures what an enforcer costs benchmarks, and how much of it its hooks explain"
	exitRegression = 4
	// The kernel frees trampolines and programs tens of milliseconds after they are detached.
	settle = 100 * time.Millisecond
)

// benchOptions are the flags of bench.
type benchOptions struct {
	dir, resume string
	enforcer    string
	rules       string
	unknown     enforcerFlags
	tests       []string
	custom      []string
	unixbench   string
	build       bool
	scenarios   string
	runs        int
	slice       time.Duration
	warmup      time.Duration
	pass        time.Duration
	order       string
	seed        uint64
	cpus        string
	workdir     string
	container   string // id
	pod         string // NAMESPACE/NAME[/CONTAINER]
	endpoint    string
	untilCI     string
	maxTime     time.Duration
	failOver    string
	profile     string
	calibration string
	format      string
	dryRun      bool
	same        int
	imports     []string
	copies      string

	invocation        []string
	until, regression float64
}

func (o *benchOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.dir, "dir", "", "run directory to make; default: lsmprof-bench-TIME")
	f.StringVar(&o.resume, "resume", "", "go on with the run in this `directory`; everything else comes from its run.json")
	f.StringVar(&o.enforcer, "enforcer", "reference", "reference, or none: identical scenarios, which show what this machine can tell apart")
	f.StringVar(&o.rules, "rules", "1,2,4,8", "scenarios with so many rules of each type")
	f.StringVar(&o.unknown.rulesMap, "rules-map", "", rulesMapUsage)
	o.unknown.rules = -1
	f.StringVar(&o.scenarios, "scenarios", "", "read the scenarios from this YAML `file`")
	f.StringSliceVar(&o.tests, "tests", nil, "built-in tests, or all, or probes for those that UnixBench lacks; default: UnixBench's")
	f.StringArrayVar(&o.custom, "test", nil, "a command as a test: `'name=N; run=COMMAND; metric=REGEXP; better=higher|lower'`; repeatable")
	f.StringVar(&o.unixbench, "unixbench", "", "run the programs of the byte-unixbench in this `directory`, in whole passes")
	f.BoolVar(&o.build, "build", false, "build --unixbench with make first")
	f.IntVar(&o.runs, "runs", 10, "runs of each cell; of built-in tests a run is a second in slices")
	f.DurationVar(&o.slice, "slice", 50*time.Millisecond, "how long a built-in test runs at a time")
	f.DurationVar(&o.warmup, "warmup", 12*time.Millisecond, "first part of a slice, not counted: the kernel frees what the slice before it left")
	f.DurationVar(&o.pass, "pass", time.Second, "how long a whole pass of --unixbench is")
	f.StringVar(&o.order, "order", rundir.Interleaved, "interleaved, or sequential: all runs of one scenario, then the next, as others measure")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the order; default: random, it stands in run.json")
	f.StringVar(&o.cpus, "cpus", "", "CPUs for the tests, such as 2-3,6, or any; default: the last one. lsmprof stays off them")
	f.StringVar(&o.workdir, "workdir", "", "where the tests keep their files; default: the temporary directory")
	f.StringVar(&o.container, "container", "", "run the tests in the container with this `ID`, through the container runtime")
	f.StringVar(&o.pod, "pod", "", "the same, in `NAMESPACE/NAME` or NAMESPACE/NAME/CONTAINER")
	f.StringVar(&o.endpoint, "runtime-endpoint", "", endpointUsage)
	f.StringVar(&o.untilCI, "until-ci", "", "go on with a test until the 95 % intervals of its losses are within ± this, such as 0.5%")
	f.DurationVar(&o.maxTime, "max-time", 0, "begin no more --until-ci rounds after this time")
	f.StringVar(&o.failOver, "fail-over", "", "exit with status 4 when a significant loss is above this, such as 2%")
	f.StringVar(&o.profile, "profile", "on", "on, or off to leave out the profile runs, which explain the losses")
	f.StringVar(&o.calibration, "calibration", "", "take the calibration from this `file`, which lsmprof check -o json printed")
	f.IntVar(&o.same, "same", 4, "how many identical scenarios --enforcer none has")
	f.StringArrayVar(&o.imports, "import", nil, "measure nothing, take the report, .log or .csv of a plain ./Run: `[SCENARIO=]FILE`; repeatable, the first is the baseline")
	f.StringVar(&o.copies, "copies", "1", "how many copies of a test run at once, such as 1,N as UnixBench does; N: one for each CPU")
	f.BoolVar(&o.dryRun, "dry-run", false, "print the plan, the time it takes and the hooks that each test reaches")
	f.StringVarP(&o.format, "format", "o", "text", "what stdout gets: text or json")
}

func benchCmd(ctx context.Context, std streams, args []string) error {
	o := benchOptions{invocation: append([]string{"lsmprof", "bench"}, args...)}
	f := newFlags(std, "bench", "", benchShort)
	o.flags(f)
	if err := parseNoArgs(f, args); err != nil {
		return err
	}
	if err := o.validate(f); err != nil {
		return usageError{fmt.Errorf("bench: %w", err)}
	}
	return classify(o.run(ctx, std))
}

func (o *benchOptions) validate(f *pflag.FlagSet) (err error) {
	if err := o.unknown.validate(); err != nil {
		return err
	}
	for _, choice := range []struct{ flag, value, a, b string }{
		{"-o", o.format, "text", "json"},
		{"--order", o.order, rundir.Interleaved, rundir.Sequential},
		{"--enforcer", o.enforcer, "reference", "none"},
		{"--profile", o.profile, "on", "off"},
	} {
		if choice.value != choice.a && choice.value != choice.b {
			return fmt.Errorf("%s %s: must be %s or %s", choice.flag, choice.value, choice.a, choice.b)
		}
	}
	if err := o.validateContainer(); err != nil {
		return err
	}
	if o.until, err = parsePercent("--until-ci", o.untilCI); err != nil {
		return err
	}
	if o.regression, err = parsePercent("--fail-over", o.failOver); err != nil {
		return err
	}
	if len(o.imports) > 0 {
		for _, flag := range []string{"rules", "scenarios", "tests", "test", "unixbench", "enforcer", "dry-run"} {
			if f.Changed(flag) {
				return fmt.Errorf("--import and --%s: nothing is measured", flag)
			}
		}
	}
	if o.resume != "" {
		for _, flag := range []string{"dir", "rules", "scenarios", "tests", "test", "unixbench", "runs", "slice", "warmup", "order", "seed", "enforcer", "import", "copies", "container", "pod"} {
			if f.Changed(flag) {
				return fmt.Errorf("--resume and --%s: a run goes on as it was begun", flag)
			}
		}
	}
	if !f.Changed("seed") {
		var b [4]byte // short enough to be typed again
		_, _ = rand.Read(b[:])
		o.seed = uint64(binary.NativeEndian.Uint32(b[:]))
	}
	if o.same < 2 || o.same > 50 {
		return fmt.Errorf("--same %d: must be from 2 to 50", o.same)
	}
	return nil
}

// parsePercent reads 0.5% or 0.5; nothing is 0.
func parsePercent(flag, s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s), "%")), 64)
	if err != nil || v <= 0 || v > 100 {
		return 0, fmt.Errorf("%s %s: want a percentage, such as 2%%", flag, s)
	}
	return v / 100, nil
}

func (o *benchOptions) run(ctx context.Context, std streams) (err error) {
	if len(o.imports) > 0 {
		return o.importRuns(std)
	}
	plan, err := o.plan()
	if err != nil {
		return usageError{fmt.Errorf("bench: %w", err)}
	}
	if o.dryRun {
		return dryRun(std.out, o, &plan)
	}
	d, err := o.open(plan)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	fmt.Fprintf(std.err, "run directory: %s\n", d.Path)
	if err := o.measure(ctx, std, d); err != nil {
		_, saving := d.Save()
		if ctx.Err() != nil {
			err = errors.New("interrupted")
		}
		if errors.Is(err, bench.ErrImported) {
			return fmt.Errorf("bench: %s: %w", d.Path, err)
		}
		return errors.Join(fmt.Errorf("bench: %w; `lsmprof bench --resume %s` goes on from here", err, d.Path), saving)
	}
	return o.conclude(std, d)
}

// conclude saves and prints what the results say.
func (o *benchOptions) conclude(std streams, d *bench.Dir) error {
	analysis, err := d.Save()
	if err != nil {
		return err
	}
	if err := o.print(std, d, analysis); err != nil {
		return err
	}
	return o.verdict(std, analysis)
}

// open makes the run directory, or opens that of --resume.
func (o *benchOptions) open(plan rundir.Plan) (*bench.Dir, error) {
	if o.resume != "" {
		return bench.Open(o.resume)
	}
	return bench.Create(o.path(), rundir.Info{
		Version: version(), CommandLine: o.invocation, Start: time.Now(), Machine: bench.ThisMachine(),
		Enforcer: o.enforcer, Product: version(), Suite: suiteName(plan), Plan: plan,
	})
}

func (o *benchOptions) path() string {
	if o.dir != "" {
		return o.dir
	}
	return "lsmprof-bench-" + time.Now().Format("20060102-150405")
}

func (o *benchOptions) print(std streams, d *bench.Dir, a rundir.Analysis) error {
	if o.format == "json" {
		e := json.NewEncoder(std.out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Run *rundir.Info `json:"run"`
			rundir.Analysis
		}{&d.Info, a})
	}
	r, err := report.Open(d.Path)
	if err != nil {
		return err
	}
	if err := r.WriteText(std.out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "run directory: %s\n", d.Path)
	return err
}

// verdict is exit code 4 where a loss is above --fail-over.
func (o *benchOptions) verdict(std streams, a rundir.Analysis) error {
	if o.regression == 0 {
		return nil
	}
	failed := false
	for _, c := range a.Cells {
		if c.Significant && c.Loss > o.regression {
			fmt.Fprintf(std.err, "lsmprof: %s under %s lost %s, more than --fail-over %s\n", c.Test, c.Scenario, text.Percent(c.Loss), o.failOver)
			failed = true
		}
	}
	if failed {
		return exitError{exitRegression}
	}
	return nil
}
