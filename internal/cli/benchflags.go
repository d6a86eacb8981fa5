package cli

import (
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/bench/host"
	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/targets"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	cmdline.Destination
	resume      string
	enforcer    string
	rules       string
	unknown     enforcerFlags
	selection   targets.Selection
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
	maxTime     time.Duration
	profile     string
	asBegun     bool // --profile is not given: a run goes on with or without profile runs, as it was begun
	calibration string
	dryRun      bool
	same        int
	imports     []string
	copies      string
	host        hostFlag

	invocation        []string
	until, regression float64
}

func (o *benchOptions) flags(f *cmdline.Flags) {
	f.Group("Scenarios")
	o.enforcer, o.rules = "reference", "1,2,4,8"
	f.StringVar(&o.rules, "rules", o.rules, "Compare scenarios with these `NUMBERS` of rules of each type.")
	f.Var(cmdline.File(&o.scenarios), "scenarios", "Read the scenarios from this YAML file.")
	f.Var(cmdline.Choice(&o.enforcer, "reference", "none"), "enforcer",
		"Run the reference enforcer, or none: identical scenarios, which show "+
			"what this machine can tell apart.")
	o.same = 4
	f.Var(cmdline.Int(&o.same, 2, 50), "same", "Run `N` identical scenarios with --enforcer none.")
	o.unknown.rules = -1
	f.StringVar(&o.unknown.rulesMap, "rules-map", "", rulesMapUsage)
	f.Group("Tests")
	f.StringSliceVar(&o.tests, "tests", nil,
		"Run these built-in tests. By default those of UnixBench; probes stands for the tests that "+
			"UnixBench lacks, all for both groups.")
	f.Values("tests", func() []string { return append(host.BuiltinNames(), "all", "probes") })
	f.StringArrayVar(&o.custom, "test", nil,
		"Run a command as a test: `SPEC` is 'name=N; run=COMMAND; metric=REGEXP; better=higher|lower'. "+
			"Repeatable.")
	f.Var(cmdline.Directory(&o.unixbench), "unixbench",
		"Run the programs of the byte-unixbench in this directory, in whole passes.")
	f.BoolVar(&o.build, "build", false, "Build --unixbench with make first.")
	f.StringVar(&o.copies, "copies", "1", "Run these `NUMBERS` of copies of each test at once. N is the number "+
		"of CPUs; 1,N is what UnixBench does.")
	f.StringArrayVar(&o.imports, "import", nil,
		"Measure nothing: read `[SCENARIO=]FILE`, a report, .log or .csv that UnixBench's ./Run wrote. "+
			"Repeatable; the first is the baseline.")
	f.Group("How long")
	o.runs, o.slice, o.warmup, o.pass = 10, 50*time.Millisecond, 12*time.Millisecond, time.Second
	f.Var(cmdline.Int(&o.runs, 1, rundir.MaxRuns), "runs",
		"Run each test under each scenario this many times. One run of a built-in test takes 1 s.")
	f.Var(cmdline.Duration(&o.slice, cmdline.Positive), "slice", "Run a built-in test for this long at a time.")
	f.Var(cmdline.Duration(&o.warmup, 0), "warmup",
		"Do not count this first part of a slice, while the kernel frees what the previous slice used.")
	f.Var(cmdline.Duration(&o.pass, cmdline.Positive), "pass", "Run each program of --unixbench for this long.")
	f.Var(cmdline.Percent(&o.until), "until-ci",
		"Repeat a test until the 95 % intervals of its losses are within ± this, such as 0.5%.")
	f.Var(cmdline.Duration(&o.maxTime, cmdline.Positive), "max-time",
		"Start no further round of --until-ci after this time.")
	f.Lookup("max-time").DefValue = ""
	o.Destination.Flags(f, "Make this run `DIRECTORY`. By default it is lsmprof-bench-TIME.", "text", "json")
	f.StringVar(&o.Path, "dir", "", "The same as --output.")
	f.Lookup("dir").Hidden = true
	f.Same("output", "dir")
	f.Var(cmdline.Directory(&o.resume), "resume",
		"Continue the run in this directory, with the flags that it was started with.")
	f.Var(cmdline.Percent(&o.regression), "fail-over",
		"Exit with status 4 if a significant loss is larger, such as 2%.")
	f.BoolVar(&o.dryRun, "dry-run", false,
		"Check and print the plan, its duration and the hooks that each test reaches.")
	f.Group(cmdline.Containers)
	f.StringVar(&o.pod, "pod", "", "Run the tests in a container of the pod `NAMESPACE/NAME` or "+
		"NAMESPACE/NAME/CONTAINER.")
	f.StringVar(&o.container, "container", "", "Run the tests in the container with this `ID`.")
	f.Var(endpointValue(&o.endpoint), "runtime-endpoint", endpointUsage)
	f.Group(cmdline.Accuracy)
	o.profile = "on"
	f.Var(cmdline.Choice(&o.profile, "on", "off"), "profile",
		"Run each test with probes as well, which explains the losses.")
	f.Var(cmdline.File(&o.calibration), "calibration",
		"Take the calibration of the probes from this file of lsmprof check --json.")
	lsmFlags(f, &o.selection)
	f.Lookup("lsm").Usage = "In the profile runs, measure" + strings.TrimPrefix(f.Lookup("lsm").Usage, "Measure")
	f.StringVar(&o.cpus, "cpus", "",
		"Run the tests on these `CPUS`: a list such as 2-3,6, or any. By default they run on the last CPU. "+
			"lsmprof itself stays off these CPUs.")
	o.order = rundir.Interleaved
	f.Var(cmdline.Choice(&o.order, rundir.Interleaved, rundir.Sequential), "order",
		"Alternate between scenarios, or finish all runs of one scenario before the next.")
	f.Uint64Var(&o.seed, "seed", 0,
		"Order the runs by this seed `N`. By default it is random; run.json records it.")
	f.Group(cmdline.Advanced)
	f.Var(cmdline.Directory(&o.workdir), "workdir",
		"Keep the files of the tests in this directory. By default it is TMPDIR, or /tmp.")
	o.host.flags(f)
	f.Rare("same", "rules-map", "build", "pass", "max-time", "order", "seed", "workdir", "import", "warmup",
		"slice")
}
