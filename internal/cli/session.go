package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/check"
	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/ownns"
	"github.com/lsmprof/lsmprof/internal/targets"
	"github.com/lsmprof/lsmprof/internal/terminal"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// session holds the flags that record, top, trace and serve share: which programs and which calls they measure, and
// how.
type session struct {
	containers containers
	unknown    enforcerFlags
	selection  targets.Selection
	appArmor   appArmorTexts
	pids       []uint
	comm       string
	mntns      []uint
	calibrate  string // on or off
	earlier    string // file with a calibration
	memory     int    // MiB
	sample     int    // N in one call of N
	readyFile  string
	self       bool
	host       hostFlag
	invocation []string // the command line that results name as their origin

	functions   targets.Functions // see findFunctions
	command     bool              // measure only the process tree of a command
	logger      *slog.Logger      // of the tracer; nil: the default logger
	stacks      tracer.Stacks
	stackSample int
	lines       int // Hz; 0: the insides of programs are not sampled
}

func (s *session) flags(f *cmdline.Flags) {
	f.Group(cmdline.Filters)
	lsmFlags(f, &s.selection)
	s.appArmor.flag(f)
	f.StringSliceVar(&s.selection.Enforcers, "enforcer", nil,
		"Measure only the programs of these enforcers, named as in "+
			"lsmprof list. The name generic stands for all that lsmprof does not know.")
	f.Values("enforcer", enforcerNames)
	f.Var(cmdline.Globs(&s.selection.Programs), "program",
		"Measure only programs whose name matches one of these globs.")
	f.Var(cmdline.IDs(&s.pids), "pid", "Measure only these processes.")
	f.StringVar(&s.comm, "comm", "", "Measure only processes with this command `NAME`.")
	f.Var(cmdline.IDs(&s.mntns), "mntns",
		"Measure only mount namespaces with these inode numbers: see ls -Li /proc/PID/ns/mnt.")
	f.BoolVar(&s.self, "self", false, "Measure lsmprof itself as well, as the workload [lsmprof].")
	s.containers.flags(f)
	f.Group(cmdline.Accuracy)
	s.calibrate = "on"
	f.Var(&calibrationFlag{&s.calibrate, &s.earlier}, "calibration", "Measure the cost of the probes first and "+
		"subtract it (on), report readings as they are (off), or take a calibration from a file of "+
		"lsmprof check --json.")
	f.Var(cmdline.Choice(&s.calibrate, "on", "off"), "calibrate", "The same as --calibration on or off.")
	f.Lookup("calibrate").Hidden = true
	f.Same("calibration", "calibrate")
	f.Var(cmdline.OneIn(&s.sample, maxSample), "sample",
		"Measure one call in `N`, chosen at random, and count it N times.")
	s.unknown.flags(f)
	s.unknown.containers = &s.containers
	s.memory = tracer.DefaultMemory >> 20
	f.Var(cmdline.Int(&s.memory, 1, 1<<20), "memory", "Use at most this much kernel memory for counters, in `MiB`.")
	f.StringVar(&s.readyFile, "ready-file", "", "Create this `FILE` when recording has begun.")
	f.Rare("mntns", "rules-map", "memory", "ready-file", "apparmor-profiles")
	if !s.unknown.noRules {
		f.Rare("rules")
	}
}

func (s *session) validate() error {
	const maxComm = 15 // the kernel keeps no more
	switch {
	case s.calibrate == "off" && s.earlier != "":
		return errors.New("--calibrate=off and --calibration FILE: give one of them")
	case len(s.comm) > maxComm:
		return fmt.Errorf("--comm %s: the kernel keeps the first %d characters of a name; give %s",
			s.comm, maxComm, s.comm[:maxComm])
	}
	if err := errors.Join(checkLSMs(&s.selection), s.unknown.validate()); err != nil {
		return err
	}
	if s.appArmor.dir != "" && !s.selection.Measures("apparmor") {
		return errors.New("--apparmor-profiles needs --lsm apparmor or --lsm all")
	}
	for _, name := range s.selection.Enforcers {
		if !knownEnforcer(name) {
			return fmt.Errorf("--enforcer %s: must be %s or generic:COMMAND%s", name,
				strings.Join(enforcerNames(), ", "), cmdline.DidYouMean(name, enforcerNames()))
		}
	}
	return nil
}

// prepare checks that the processes and programs of the flags exist, calibrates, and begins to watch the containers.
func (s *session) prepare(ctx context.Context, p *terminal.Progress) (tracer.Options, error) {
	if s.calibrate == "on" && s.earlier == "" {
		p.Show(-1, 0, "calibrating the probes")
	}
	opts, err := s.options(ctx)
	if err != nil {
		return opts, err
	}
	opts.Progress = func(done, targets int) { p.Show(float64(done)/float64(targets), 0, "attaching probes") }
	return opts, s.containers.watch(ctx)
}

// start calibrates and attaches the probes. The caller must close the tracer.
func (s *session) start(ctx context.Context, std streams) (t sessionTracer, err error) {
	p := terminal.NewProgress(std.err, std.quiet)
	defer p.End()
	opts, err := s.prepare(ctx, p)
	if err != nil {
		return t, err
	}
	if t, err = s.startTracer(ctx, opts); err != nil {
		return t, memoryAdvice(err)
	}
	s.noteFunctions(std)
	if err := s.ready(); err != nil {
		return t, errors.Join(err, t.Close())
	}
	return t, nil
}

// startTracer attaches the probes.
func (s *session) startTracer(ctx context.Context, opts tracer.Options) (sessionTracer, error) {
	t, err := tracer.Start(ctx, opts)
	return sessionTracer{t, s}, err
}

// options returns what the flags ask for, with a calibration. It fails if no program is selected.
func (s *session) options(ctx context.Context) (opts tracer.Options, err error) {
	if err := errors.Join(s.requireProcesses(), s.findFunctions(), s.requirePrograms()); err != nil {
		return opts, err
	}
	opts = s.baseOptions()
	if s.calibrate == "on" {
		opts.Calibration, err = calibration(ctx, s.earlier, s.selection.Others())
	}
	return opts, err
}

// baseOptions returns what the flags ask for, without a calibration.
func (s *session) baseOptions() tracer.Options {
	opts := tracer.Options{
		Select:       s.selects,
		Functions:    s.functions.Measured,
		Filter:       tracer.Filter{MntNS: u32s(s.mntns), PIDs: u32s(s.pids), Comm: s.comm, Command: s.command},
		Enforcers:    s.unknown.registry(),
		Memory:       s.memory << 20,
		Sample:       s.sample,
		OwnNamespace: ownns.ID(),
		Self:         s.self,
		Namer:        &s.containers,
		Logger:       cmp.Or(s.logger, slog.Default()),
		Stacks:       s.stacks,
		Lines:        s.lines,
		StackSample:  s.stackSample,
	}
	if s.appArmor.rules != nil {
		opts.PolicyRules = s.appArmor.rules.Rules
	}
	if s.containers.Filters() {
		opts.Filter.Follow = s.containers.Selected
	}
	return opts
}

// ready creates the file of --ready-file.
func (s *session) ready() error {
	if s.readyFile == "" {
		return nil
	}
	if err := atomicfile.WriteString(s.readyFile, ""); err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}

// withProvenance returns the snapshot with the command line, the version and the machine that it comes from.
func (s *session) withProvenance(snap profile.Snapshot) profile.Snapshot {
	snap.CommandLine, snap.Version, snap.Machine = s.invocation, version(), check.Machine()
	snap.Machine.Host = s.host.name()
	return snap
}

func u32s(in []uint) []uint32 {
	out := make([]uint32, len(in))
	for i, v := range in {
		out[i] = uint32(v)
	}
	return out
}

// sessionTracer is a tracer whose snapshots say where they come from.
type sessionTracer struct {
	*tracer.Tracer
	session *session
}

// Snapshot returns the tracer's snapshot with its provenance, and with warnings about container names.
func (t sessionTracer) Snapshot() (profile.Snapshot, error) {
	snap, err := t.Tracer.Snapshot()
	snap.Warnings = append(snap.Warnings, t.session.containers.Warnings(&snap)...)
	if w := t.session.unknown.warning(); w != "" {
		snap.Warnings = append(snap.Warnings, profile.Warning{Text: w})
	}
	return t.session.withProvenance(snap), err
}
