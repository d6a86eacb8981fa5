package tracer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
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
	targets = s.choose(progs)
	if len(targets) == 0 && len(s.warnings) > 0 {
		return nil, nil, errors.New(s.warnings[0].Text)
	}
	s.loader, err = newLoader(opts.Filter, s.machine, opts.Sample)
	return s, targets, err
}

// start attaches probes to the targets and begins to record when all are in place.
func (s *probeSet) start(ctx context.Context, targets []target) (err error) {
	if err := s.attach(ctx, targets, s.opts.Progress); err != nil {
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

// choose returns the targets among progs: attached programs that are selected or, with ScopeHook, the hooks of those.
//
// A program that refuses to be opened takes no probes. If calls are counted, its hook is a target besides the programs.
func (s *probeSet) choose(progs []Program) []target {
	var out []target
	var refused []string
	hooks := map[string]int{}
	for _, p := range progs {
		if !p.Attached() || p.forCalibration() || s.opts.Select != nil && !s.opts.Select(p) {
			continue
		}
		if s.machine.scope == profile.ScopeProgram {
			if p.Refused {
				refused = append(refused, fmt.Sprintf("%s (id %d, %s)", p.Name, p.ID, p.Hook))
				if _, ok := hooks[p.Hook]; !ok && !s.events {
					hooks[p.Hook] = len(out)
					out = append(out, wholeHook(p))
				}
				continue
			}
			if !p.HasBTF {
				s.warnf("%s (id %d) cannot be probed without BTF: its enforcer has to be built with it",
					p.Name, p.ID)
				continue
			}
			out = append(out, target{program: p, scope: s.machine.scope})
			continue
		}
		if i, ok := hooks[p.Hook]; ok {
			out[i].program.Sleepable = out[i].program.Sleepable || p.Sleepable
			continue
		}
		hooks[p.Hook] = len(out)
		out = append(out, target{program: p, scope: s.machine.scope})
	}
	s.warnRefused(refused)
	for _, f := range s.opts.Functions {
		out = append(out, f.target(s.machine.scope == profile.ScopeHook))
	}
	return out
}

// warnRefused warns about programs that refuse to be opened.
func (s *probeSet) warnRefused(programs []string) {
	if len(programs) == 0 {
		return
	}
	what := text.Plural(len(programs), "program") + " refuse"
	instead := "their hooks are measured as a whole, less the programs that can be measured"
	if s.events {
		instead = "their calls are not traced"
	}
	if len(programs) == 1 {
		what += "s"
	}
	s.warnf("%s to be opened, so that %s: %s", what, instead, strings.Join(programs, ", "))
}

// attach probes the targets, several at a time: each makes the kernel wait for a few RCU grace periods. A target that
// cannot be probed is a warning, unless no target could be.
func (s *probeSet) attach(ctx context.Context, targets []target, progress func(done, targets int)) error {
	s.loader.share = share(cmp.Or(s.opts.Memory, DefaultMemory), s.taken(), len(targets))
	probes, errs := make([]*probe, len(targets)), make([]error, len(targets))
	var wg sync.WaitGroup
	var done atomic.Int32
	limit := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	for i, target := range targets {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				probes[i], errs[i] = s.loader.attach(target, s.ring)
			}
			if progress != nil {
				progress(int(done.Add(1)), len(targets))
			}
		})
	}
	wg.Wait()
	for i, p := range probes {
		if p != nil {
			s.add(targets[i], p)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(s.targets) == 0 {
		return errors.Join(errs...)
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, errGone) {
			s.warnf("%v", err)
		}
	}
	return nil
}

// add records for a target. If its program was attached before, or replaces one of the same name, as after a restart of
// its enforcer, the earlier record goes on. So restarts add no rows.
func (s *probeSet) add(target target, p *probe) {
	t := s.predecessor(target)
	if t == nil {
		t = &probedTarget{enforcer: s.enforcerOf(target)}
		s.order = append(s.order, t)
	}
	delete(s.targets, t.target.id())
	s.targets[target.id()] = t
	t.target, t.probe, t.baseline = target, p, 0
	t.sum.Hook, t.sum.Enforcer = target.program.Hook, t.enforcer
	t.sum.Scope, t.sum.Position, t.sum.Probe = target.scope, target.program.Position, p.kind
	if target.scope != profile.ScopeHook {
		t.sum.ID, t.sum.Name = uint32(target.program.ID), target.program.Name
	}
	c := &s.opts.Calibration
	if target.scope == profile.ScopeFunction && c.Applies() && c.BiasFunction == (profile.Median{}) {
		s.warnf("the calibration lacks the bias of probes on functions of the kernel: the costs of %s are "+
			"rough",
			t.enforcer)
	}
	if p.kind == profile.ProbeHook && c.Applies() && c.BiasHook == (profile.Median{}) {
		s.warnf("the calibration lacks the bias of probes on a hook: the costs of %s are rough", target)
	}
	if p.kind == profile.ProbeSleepable && c.Applies() && c.BiasSleepable == (profile.Median{}) {
		s.warnf("%s is sleepable, and the calibration lacks the bias of sleepable programs: "+
			"its costs are about 50 ns per call too high", target)
	}
	if p.source > 0 {
		s.sources[p.source] = &eventSource{
			program: t.sum, forRules: target.programForRules(), subject: p.subject, void: p.void, target: t,
		}
	}
}

// predecessor returns the target, without a probe now, that this one replaces: a program of the same name on the same
// hook.
func (s *probeSet) predecessor(target target) *probedTarget {
	for _, t := range s.order {
		old := t.target
		if t.probe != nil || old.scope != target.scope || old.program.Hook != target.program.Hook {
			continue
		}
		if old.scope == profile.ScopeHook || old.program.Name == target.program.Name {
			return t
		}
	}
	return nil
}

// recorder is what a probeSet needs from the Tracer or the Stream that it belongs to.
type recorder interface {
	// collect takes over what all probes recorded, and then reads the rules once; see ruleHistory.
	collect()
	// finish takes over what the probes of the i-th target recorded, before they are detached.
	finish(i int)
}

// poll collects what was recorded, probes new programs and detaches from those that are gone.
func (s *probeSet) poll(ctx context.Context, r recorder) error {
	s.names.refreshNames()
	if err := s.loader.control.refresh(s.opts.Filter); err != nil {
		return err
	}
	r.collect()
	// After a change of the rules the next interval is in doubt, too: make it short.
	for _, h := range s.histories {
		if h.unsettled() {
			r.collect()
			break
		}
	}
	return s.reconcile(ctx, r)
}

// scanInterval is how late a detached program is noticed, at most.
const scanInterval = time.Second

// reconcile probes programs that were attached since the last scan and detaches the probes of those that were
// detached: a probe keeps its program loaded.
func (s *probeSet) reconcile(ctx context.Context, r recorder) error {
	// One syscall finds new links. Only a list of all links, hundreds of syscalls, shows that some are gone.
	if !lsm.HasNewer(s.links) && time.Since(s.lastScan) < scanInterval {
		return nil
	}
	s.lastScan = time.Now()
	ids, err := lsm.LinkIDs()
	if err != nil || slices.Equal(ids, s.links) {
		return err
	}
	s.links = ids
	progs, err := Programs()
	if err != nil {
		return err
	}
	s.listed = progs
	s.identifyEnforcers(progs)
	present := map[targetID]bool{}
	var fresh []target
	for _, target := range s.choose(progs) {
		present[target.id()] = true
		if t := s.targets[target.id()]; t == nil || t.probe == nil {
			fresh = append(fresh, target)
		}
	}
	changed := len(fresh) > 0
	for i, t := range s.order {
		if t.probe != nil && !present[t.target.id()] {
			changed = true
			r.finish(i)
			if err := s.detach(t); err != nil {
				return err
			}
		}
	}
	if !changed {
		return nil
	}
	// Two readings of the rules before the new probes record anything, each after collecting as ruleHistory needs
	// it.
	for range 2 {
		r.collect()
	}
	if err := s.attach(ctx, fresh, nil); err != nil && ctx.Err() == nil {
		s.warnf("%v", err)
	}
	return s.watchLines()
}

// detach detaches the probes of a target. Its record stays.
func (s *probeSet) detach(t *probedTarget) error {
	missed, err := t.misses()
	if err != nil {
		return err
	}
	t.missed = missed
	if source, ok := s.sources[t.probe.source]; ok {
		source.gone = monotonic()
	}
	err = t.probe.Close()
	t.probe = nil
	return err
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
