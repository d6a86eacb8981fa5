package tracer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// probeSet keeps probes on the selected programs while programs come and go, and knows the rules that are in force.
// Each Tracer and each Stream has one.
type probeSet struct {
	opts      Options
	machine   machine
	loader    *loader
	ring      *ring        // nil: the probes only count
	events    bool         // the probes emit events, and count nothing
	lines     *lineSampler // nil: the insides of programs are not sampled
	listed    []Program    // at the last scan
	targets   map[targetID]*probedTarget
	order     []*probedTarget // by first appearance: the index space of profile.Row.Program
	sources   map[uint32]*eventSource
	histories map[string]*ruleHistory // by enforcer
	links     []link.ID               // at the last scan
	lastScan  time.Time
	looked    time.Duration    // duration at the last look for new links
	unprobed  profile.Unprobed // since start
	names     workloads
	// confinement knows the policies of other security modules.
	confinement lsm.Confinement
	kernel      *kallsyms                // nil: not needed yet
	hookFrames  map[string]profile.Frame // by function
	files       *elfFiles
	warned      map[string]bool
	warnings    []profile.Warning

	started  time.Time
	resumed  time.Time     // zero: recording is paused
	recorded time.Duration // before it was resumed
	closed   bool
}

// newProbeSet lists the programs and finds out what probes they need. It attaches none.
func newProbeSet(ctx context.Context, opts Options, events bool) (s *probeSet, targets []target, err error) {
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	s = &probeSet{
		opts: opts, events: events, targets: map[targetID]*probedTarget{}, sources: map[uint32]*eventSource{},
		names: newWorkloads(opts.Namer), files: newELFFiles(), warned: map[string]bool{},
	}
	if ns := opts.OwnNamespace; ns != 0 {
		s.names.now[ns] = &profile.Workload{MntNS: ns, Comm: selfWorkload}
	}
	if s.machine, err = findMachine(ctx); err != nil {
		return nil, nil, err
	}
	if err := s.machine.fits(opts.Calibration); err != nil {
		return nil, nil, err
	}
	// The links before the programs: a link that is made in between, also by lsmprof, causes one more scan.
	if s.links, err = lsm.LinkIDs(); err != nil {
		return nil, nil, err
	}
	progs, err := Programs()
	if err != nil {
		return nil, nil, err
	}
	s.listed = progs
	s.identifyEnforcers(progs)
	targets, lacking := s.choose(progs)
	if len(targets) == 0 && len(lacking) > 0 {
		return nil, nil, errors.New(strings.Join(lacking, "; "))
	}
	s.warn(lacking)
	s.loader, err = newLoader(opts.Filter, s.machine, opts.Sample)
	return s, targets, err
}

// start attaches probes to the targets and begins to record when all are in place.
func (s *probeSet) start(ctx context.Context, targets []target) (err error) {
	if _, err := s.attach(ctx, targets, s.opts.Progress); err != nil {
		return err
	}
	if err := s.watchLines(); err != nil {
		return err
	}
	for range 2 {
		s.readRules()
	}
	for _, t := range s.order {
		if t.baseline, err = t.probe.misses(); err != nil {
			return err
		}
	}
	s.started = time.Now()
	s.resume()
	return nil
}

// resume makes the probes record, pause makes them stop.
func (s *probeSet) resume() {
	if s.resumed.IsZero() {
		s.resumed = time.Now()
	}
	s.loader.control.open()
}

func (s *probeSet) pause() {
	s.loader.control.shut()
	s.recorded, s.resumed = s.duration(), time.Time{}
}

// duration returns how long the probes have recorded.
func (s *probeSet) duration() time.Duration {
	if s.resumed.IsZero() {
		return s.recorded
	}
	return s.recorded + time.Since(s.resumed)
}

// programs returns what was recorded of each target, with the calls that its probes missed.
func (s *probeSet) programs() (all []profile.Program, err error) {
	for _, t := range s.order {
		p := t.sum
		if p.Missed, err = t.misses(); err != nil {
			return all, err
		}
		if p.Probe == profile.ProbeHook {
			p.Name = s.remainder(p.Hook)
		}
		if t.own > 0 { // of the missed calls, the same share was this process's
			p.Missed -= uint64(float64(p.Missed) * float64(t.own) / float64(t.own+p.Timed+p.Preempted))
		}
		// That share may grow. But no snapshot may have fewer than an earlier one: they are subtracted.
		p.Missed = max(p.Missed, t.sum.Missed)
		t.sum.Missed = p.Missed
		all = append(all, p)
	}
	return all, nil
}

// remainder says what is left of a hook that is measured as a whole.
func (s *probeSet) remainder(hook string) string {
	n := 0
	for _, t := range s.order {
		if t.target.scope == profile.ScopeProgram && t.target.program.Hook == hook {
			n++
		}
	}
	switch n {
	case 0:
		return "whole hook"
	case 1:
		return "hook, less 1 measured program"
	}
	return fmt.Sprintf("hook, less %d measured programs", n)
}

// policy returns the policy that confines a mount namespace under the module of a function, and its number of rules.
func (s *probeSet) policy(f Function, mntns uint32) (name string, rules int) {
	name = s.confinement.Policy(f.LSM, mntns)
	if name == "" || s.opts.PolicyRules == nil {
		return name, profile.RulesUnknown
	}
	return name, s.opts.PolicyRules(f.LSM, name)
}

// excludes reports whether calls from a mount namespace are those of this process, and not wanted.
func (s *probeSet) excludes(mntns uint32) bool {
	return s.opts.OwnNamespace != 0 && mntns == s.opts.OwnNamespace && !s.opts.Self
}

// warnf logs a warning and keeps it for snapshots, once.
func (s *probeSet) warnf(format string, args ...any) {
	w := fmt.Sprintf(format, args...)
	if !s.warned[w] {
		s.warned[w] = true
		s.warnings = append(s.warnings, profile.Warning{Text: w})
		s.opts.Logger.Warn(w)
	}
}

// warn logs warnings and keeps them for snapshots, each once.
func (s *probeSet) warn(warnings []string) {
	for _, w := range warnings {
		s.warnf("%s", w)
	}
}

// allWarnings returns what snapshots warn about.
func (s *probeSet) allWarnings() []profile.Warning {
	all := slices.Clone(s.warnings)
	if s.loader != nil {
		all = append(all, s.loader.command.warnings()...)
	}
	return all
}

// check fails if probes cannot be used: a zero Tracer or Stream has none, and Close detaches them.
func (s *probeSet) check(doing string) error {
	if s == nil || s.closed {
		return fmt.Errorf("%s: %w", doing, os.ErrClosed)
	}
	return nil
}

// Close detaches all probes. What was recorded stays.
func (s *probeSet) Close() error {
	if s == nil || s.closed {
		return nil
	}
	s.closed = true
	errs := make([]error, len(s.order))
	if s.loader != nil {
		s.pause()
	}
	var wg sync.WaitGroup
	for i, t := range s.order {
		wg.Go(func() {
			if t.probe != nil {
				errs[i] = s.detach(t)
			}
		})
	}
	wg.Wait()
	if s.ring != nil {
		errs = append(errs, s.ring.Close())
	}
	errs = append(errs, s.lines.Close())
	if s.loader != nil {
		errs = append(errs, s.loader.Close())
	}
	return errors.Join(errs...)
}
