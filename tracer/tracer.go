package tracer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// PollInterval is how often a running Tracer should be polled: it bounds how long invocations are in doubt around a change of
// the rules, and how late a new program is noticed.
const PollInterval = 200 * time.Millisecond

// Options say what to measure.
type Options struct {
	Select func(Program) bool // nil: every attached program
	Filter Filter
	Scope  profile.Scope
	// Enforcers knows which product owns a program and which rules are in force. Nil: every program belongs to Generic,
	// and its number of rules is unknown.
	Enforcers Enforcers
	// Memory bounds what the counters of all targets take together, in bytes; see cellsPerCPU. 0: DefaultMemory.
	Memory int
	// Sample measures one of that many invocations, at random, and charges it that many times. 0 and 1: all of them.
	Sample int
	// Preemptible says that the kernel preempts kernel code; the probes then check for it.
	Preemptible bool
	Calibration profile.Calibration
	Namer       Namer // of containers; nil: workloads go by their command
	// Progress, if any, is told during Start how many of the targets have been dealt with, by several goroutines at once: each
	// takes the kernel some RCU grace periods.
	Progress func(done, targets int)
	// Trace has single invocations told by Tracer.Trace, instead of counting them. Memory then bounds the rings.
	Trace *Events
	// Stacks are taken, beside what is counted, of one of StackSample invocations, at random.
	Stacks      Stacks
	StackSample int
}

// DefaultMemory is the bound on the counters of all targets together.
const DefaultMemory = 64 << 20

// Tracer measures from Start to Close. Its methods are not safe for concurrent use.
type Tracer struct {
	opts      Options
	loader    *loader
	started   time.Time
	probes    map[targetID]*traced    // by the last target of each
	order     []*traced               // by first appearance: the index of profile.Row.Program
	histories map[string]*ruleHistory // by enforcer
	links     []link.ID               // at the last look
	looked    time.Time
	draining  time.Duration // what the last reading of all counters took
	rows      map[rowKey]*profile.Row
	names     workloads
	warned    map[string]bool
	warns     []profile.Warning

	// Of single invocations.
	origins  map[uint32]*origin
	held     []held
	stacks   stackCounts
	kallsyms *kallsyms // nil: not needed yet
	files    *elfFiles
}

// targetID tells targets apart: a program id is not used twice soon.
type targetID struct {
	id   ebpf.ProgramID
	hook string // of ScopeHook
}

// traced is a target with what was measured of it, which stays when the program goes away.
type traced struct {
	target   target
	enforcer string
	probe    *probe // nil once the program is detached
	baseline uint64 // misses before recording began
	missed   uint64 // of probes already closed
	sum      profile.Program
}

type rowKey struct {
	program  int
	syscall  string
	workload *profile.Workload // nil: [other]
	rules    int
}

// Start attaches probes to the programs that are there and begins to record when all are in place.
func Start(ctx context.Context, opts Options) (_ *Tracer, err error) {
	links, err := lsm.LinkIDs()
	if err != nil {
		return nil, err
	}
	progs, err := Programs()
	if err != nil {
		return nil, err
	}
	t := &Tracer{
		opts: opts, links: links, probes: map[targetID]*traced{}, rows: map[rowKey]*profile.Row{},
		names: newWorkloads(opts.Namer), warned: map[string]bool{},
		origins: map[uint32]*origin{}, files: newELFFiles(),
	}
	t.identifyEnforcers(progs)
	targets := t.targets(progs)
	if len(targets) == 0 && len(t.warns) > 0 {
		return nil, errors.New(t.warns[0].Text)
	}
	t.loader, err = newLoader(opts.Filter, opts.Preemptible, opts.Sample)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if err := t.openStream(); err != nil {
		return nil, err
	}
	if err := t.attach(ctx, targets); err != nil {
		return nil, err
	}
	t.opts.Progress = nil
	for range 2 {
		t.readRules()
	}
	for _, tr := range t.order {
		if tr.baseline, err = tr.probe.misses(); err != nil {
			return nil, err
		}
	}
	t.started = time.Now()
	t.loader.control.open()
	return t, nil
}

// targets are what to probe among progs: attached programs that are selected or, by hook, the hooks of those.
func (t *Tracer) targets(progs []Program) []target {
	var out []target
	hooks := map[string]int{}
	for _, p := range progs {
		if !p.Attached() || p.ours() || t.opts.Select != nil && !t.opts.Select(p) {
			continue
		}
		if t.opts.Scope == profile.ScopeProgram {
			if !p.HasBTF {
				t.warnf("%s (id %d) has no BTF and cannot be probed: its enforcer has to be built with it", p.Name, p.ID)
				continue
			}
			out = append(out, target{p, t.opts.Scope})
			continue
		}
		if i, ok := hooks[p.Hook]; ok {
			out[i].program.Sleepable = out[i].program.Sleepable || p.Sleepable
			continue
		}
		hooks[p.Hook] = len(out)
		out = append(out, target{p, t.opts.Scope})
	}
	return out
}

func (t target) id() targetID {
	if t.scope == profile.ScopeHook {
		return targetID{hook: t.program.Hook}
	}
	return targetID{id: t.program.ID}
}

// attach probes the targets, several at a time: each takes the kernel a few RCU grace periods. What cannot be probed is
// warned of, unless nothing else is left.
func (t *Tracer) attach(ctx context.Context, targets []target) error {
	t.loader.cells = cellsPerCPU(cmp.Or(t.opts.Memory, DefaultMemory), t.taken(), len(targets), t.loader.cpus)
	probes, errs := make([]*probe, len(targets)), make([]error, len(targets))
	var wg sync.WaitGroup
	var done atomic.Int32
	limit := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	for i, target := range targets {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				probes[i], errs[i] = t.loader.attach(target)
			}
			if t.opts.Progress != nil {
				t.opts.Progress(int(done.Add(1)), len(targets))
			}
		})
	}
	wg.Wait()
	for i, p := range probes {
		if p != nil {
			t.add(targets[i], p)
		}
	}
	if len(t.probes) == 0 || ctx.Err() != nil {
		return errors.Join(errs...)
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, errGone) {
			t.warnf("%v", err)
		}
	}
	return nil
}

// add begins to charge a target or continues: where its program was detached and is back, and where it takes the place of one
// that went, as after a restart of its enforcer. So the rows do not grow with the restarts.
func (t *Tracer) add(target target, p *probe) {
	tr := t.predecessor(target)
	if tr == nil {
		tr = &traced{enforcer: t.enforcerOf(target.program)}
		t.order = append(t.order, tr)
	}
	delete(t.probes, tr.target.id())
	t.probes[target.id()] = tr
	tr.target, tr.probe, tr.baseline = target, p, 0
	tr.sum.Hook, tr.sum.Enforcer = target.program.Hook, tr.enforcer
	tr.sum.Scope, tr.sum.Position, tr.sum.Probe = target.scope, target.program.Position, p.pair
	if target.scope == profile.ScopeProgram {
		tr.sum.ID, tr.sum.Name = uint32(target.program.ID), target.program.Name
	}
	if c := &t.opts.Calibration; p.pair == profile.ProbeSleepable && c.Applies() && c.BiasSleepable == (profile.Median{}) {
		t.warnf("%s is sleepable, and what probes read of an empty sleepable program is not in the calibration: its costs are some 50 ns too high", target)
	}
	if p.origin > 0 {
		t.origins[p.origin] = &origin{program: tr.sum, walks: target.walks(), about: p.about, void: p.void, traced: tr}
	}
}

// openStream makes the rings, where single invocations are asked for.
func (t *Tracer) openStream() (err error) {
	ev, each := Events{Stacks: t.opts.Stacks}, max(1, t.opts.StackSample)
	switch {
	case t.opts.Trace != nil:
		ev, each = *t.opts.Trace, 0
	case !t.opts.Stacks.Any():
		return nil
	}
	t.loader.stream, err = newStream(ev, bias(t.opts.Calibration), cmp.Or(t.opts.Memory, DefaultMemory), t.loader.cpus, each)
	return err
}

// predecessor is what was charged before for a program of the same name on the same hook that is gone.
func (t *Tracer) predecessor(target target) *traced {
	for _, tr := range t.order {
		if old := tr.target; tr.probe == nil && old.scope == target.scope && old.program.Hook == target.program.Hook &&
			(old.program.Name == target.program.Name || old.scope == profile.ScopeHook) {
			return tr
		}
	}
	return nil
}

func (t *Tracer) warnf(format string, args ...any) {
	w := fmt.Sprintf(format, args...)
	if !t.warned[w] {
		t.warned[w] = true
		t.warns = append(t.warns, profile.Warning{Text: w})
		slog.Warn(w)
	}
}

// Close detaches every probe and releases everything. The Snapshot taken before stays valid.
func (t *Tracer) Close() error {
	errs := make([]error, len(t.order))
	var wg sync.WaitGroup
	for i, tr := range t.order {
		wg.Go(func() {
			if tr.probe != nil {
				errs[i] = tr.probe.Close()
			}
		})
	}
	wg.Wait()
	if t.loader != nil {
		errs = append(errs, t.loader.Close())
	}
	return errors.Join(errs...)
}
