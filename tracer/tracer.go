package tracer

import (
	"context"
	"log/slog"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// PollInterval is how often a Tracer should be polled. It bounds how long the number of rules is in doubt around a
// change of the rules, and how late a new program is noticed.
const PollInterval = 200 * time.Millisecond

// DefaultMemory is the default bound on the kernel memory of a Tracer or a Stream, in bytes.
const DefaultMemory = 64 << 20

// Options say what a [Tracer] measures. The zero value measures every call of every attached program.
type Options struct {
	// Select chooses among the attached programs. Nil: all of them.
	Select func(Program) bool
	// Functions are measured besides the programs: what other security modules do on their hooks.
	Functions []Function
	// PolicyRules returns the number of rules that a policy of a security module has, such as `nginx (enforce)` of
	// apparmor, or profile.RulesUnknown. Nil: all are unknown.
	PolicyRules func(lsm, policy string) int
	// Filter skips calls in the kernel.
	Filter Filter
	// Enforcers knows which product owns a program and which rules are in force. Nil: every program belongs to
	// Generic, and its number of rules is unknown.
	Enforcers Enforcers
	// Namer names workloads. Nil: they are named after their command.
	Namer Namer
	// OwnNamespace is a mount namespace in which only this process runs; 0: none. Calls from it are in no row:
	// profile.Snapshot.OwnCalls counts them. With Self, they are in rows of the workload `[lsmprof]`.
	OwnNamespace uint32
	Self         bool
	// Memory bounds the counters of all programs together, in bytes. 0: DefaultMemory.
	Memory int
	// Sample N measures one in N calls, at random, and counts it N times. 0 and 1: all calls.
	Sample int
	// Stacks are taken of one in StackSample calls, at random; all calls are counted. 0 and 1: of every call.
	Stacks      Stacks
	StackSample int
	// Lines samples the insides of programs: every CPU that is in the kernel is interrupted Lines times per second.
	// 0: none are sampled. DefaultLines costs at most 1 % of a CPU.
	Lines int
	// Calibration corrects the readings. It must have been measured on this machine. Zero: readings are reported
	// uncorrected.
	Calibration profile.Calibration
	// Progress, if not nil, is called during Start after each attempt to probe a program. Several goroutines call
	// it at once.
	Progress func(done, programs int)
	// Logger receives the warnings that are also in snapshots. Nil: they are not logged.
	Logger *slog.Logger
}

// Stacks say which stacks are taken.
type Stacks struct{ Kernel, User bool }

// Any reports whether any stack is taken.
func (s Stacks) Any() bool { return s.Kernel || s.User }

// Tracer counts the calls of BPF LSM programs from [Start] on. The caller must call [Tracer.Close]. Its methods must
// not be called concurrently. After Close, and on a zero Tracer, they return errors that wrap [os.ErrClosed], except
// for Snapshot, CounterUsage and Close.
type Tracer struct {
	set      *probeSet
	rows     map[rowKey]*profile.Row
	stacks   stackCounts
	paths    pathCounts
	giveBack *giveBack     // nil: the kernel does not allow it
	draining time.Duration // time that the last drain of all counters took
}

type rowKey struct {
	program  int
	syscall  string
	workload *profile.Workload // nil: [other]
	rules    int
	policy   string
}

// Start attaches probes to the selected programs, and begins to count when all are in place. It needs root. If no
// program is attached, it counts those that are attached later.
func Start(ctx context.Context, opts Options) (_ *Tracer, err error) {
	set, targets, err := newProbeSet(ctx, opts, false)
	if err != nil {
		return nil, err
	}
	t := &Tracer{set: set, rows: map[rowKey]*profile.Row{}, giveBack: newGiveBack()}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if opts.Stacks.Any() {
		set.ring, err = newRing(ringOptions{
			events: TraceOptions{Stacks: opts.Stacks, Self: true}, stackSample: max(1, opts.StackSample),
			memory: opts.Memory, cpus: set.loader.cpus,
		})
		if err != nil {
			return nil, err
		}
	}
	if opts.Lines > 0 {
		if set.lines, err = newLineSampler(opts.Lines, set.loader, set.machine.scope); err != nil {
			return nil, err
		}
	}
	if err := set.start(ctx, targets); err != nil {
		return nil, err
	}
	return t, nil
}

// Run polls until ctx is done. Then it pauses counting and polls once more. Calls after that are not counted until
// Run is called again, which resumes counting.
func (t *Tracer) Run(ctx context.Context) error {
	if err := t.set.check("run"); err != nil {
		return err
	}
	t.set.resume()
	next := time.NewTimer(PollInterval)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			t.set.pause()
			return t.Poll(context.WithoutCancel(ctx))
		case <-next.C:
			if err := t.Poll(ctx); err != nil {
				return err
			}
			next.Reset(t.interval())
		}
	}
}

// interval returns how long to wait before the next Poll: with hundreds of thousands of counters long enough that
// polling takes a tenth of a CPU.
func (t *Tracer) interval() time.Duration {
	const rest, longest = 9, 2 * time.Second
	return max(PollInterval, min(rest*t.draining, longest))
}

// Poll charges what was counted since the last Poll to workloads, syscalls and rules, and probes new programs.
// If it fails, counting goes on, and Poll may be called again.
func (t *Tracer) Poll(ctx context.Context) error {
	if err := t.set.check("poll"); err != nil {
		return err
	}
	if t.set.ring != nil {
		if err := t.collectStacks(); err != nil {
			return err
		}
	}
	return t.set.poll(ctx, t)
}

// collect implements recorder.
func (t *Tracer) collect() {
	type drained struct {
		program int
		*count
	}
	var counts []drained
	began := time.Now()
	for i, target := range t.set.order {
		if target.probe != nil {
			target.probe.counters.drain(func(c *count) { counts = append(counts, drained{i, c}) })
		}
	}
	t.giveBack.step(t.set.order, func(program int, c *count) { counts = append(counts, drained{program, c}) })
	t.draining = time.Since(began)
	samples := t.set.readLines()
	t.set.readRules()
	for _, c := range counts {
		t.charge(c.program, c.count)
	}
	for _, s := range samples {
		t.chargeLine(s)
	}
}

// finish implements recorder.
func (t *Tracer) finish(i int) {
	t.set.order[i].probe.counters.drain(func(c *count) { t.charge(i, c) })
}

// charge adds a count to the row that it belongs to.
func (t *Tracer) charge(program int, c *count) {
	target := t.set.order[program]
	if t.set.excludes(c.mntns) && !c.other {
		c.scale(uint64(max(1, t.set.opts.Sample)))
		target.own += c.readings.Count() + c.preempted
		return
	}
	key := rowKey{program: program, syscall: profile.SyscallOverflow, rules: profile.RulesUnknown}
	if !c.other {
		workload := t.set.names.lookup(c.mntns, c.comm)
		key = rowKey{program, syscallName(c.syscall), workload, t.set.rules(target, c.mntns), ""}
		if target.target.scope == profile.ScopeFunction {
			key.policy, key.rules = t.set.policy(target.target.function, c.mntns)
		}
	}
	row := t.rows[key]
	if row == nil {
		row = &profile.Row{Program: program, Syscall: key.syscall, Rules: key.rules, Policy: key.policy}
		t.rows[key] = row
	}
	c.scale(uint64(max(1, t.set.opts.Sample)))
	target.sum.Timed += c.readings.Count()
	target.sum.Preempted += c.preempted
	row.Denials += c.denials
	row.Preempted += c.preempted
	row.Sum += c.sum
	row.Readings.Merge(&c.readings)
}

// SampleLines samples the insides of programs from now on, hz times per second on each CPU; 0 stops it. Earlier samples
// are forgotten.
func (t *Tracer) SampleLines(hz int) (err error) {
	if err := t.set.check("sample lines"); err != nil {
		return err
	}
	if err := t.set.lines.Close(); err != nil {
		return err
	}
	t.set.lines, t.paths = nil, pathCounts{}
	if hz == 0 {
		return nil
	}
	if t.set.lines, err = newLineSampler(hz, t.set.loader, t.set.machine.scope); err != nil {
		return err
	}
	return t.set.watchLines()
}

// Snapshot returns what was charged up to the last Poll. The tracer does not change it later. After Close, Snapshot
// still returns it; that of a zero Tracer is empty.
func (t *Tracer) Snapshot() (profile.Snapshot, error) {
	if t.set == nil {
		return profile.Snapshot{}, nil
	}
	s := profile.Snapshot{
		Start: t.set.started, Duration: t.set.duration(), Calibration: t.set.opts.Calibration,
		Sample: t.set.opts.Sample, Warnings: t.set.allWarnings(), EnoughMemory: t.enoughMemory(),
		Unprobed: t.set.unprobed,
	}
	var err error
	if s.Programs, err = t.set.programs(); err != nil {
		return s, err
	}
	for _, target := range t.set.order {
		s.OwnCalls += target.own
	}
	t.set.names.refreshNames()
	s.Rows = make([]profile.Row, 0, len(t.rows))
	keys := make([]rowKey, 0, len(t.rows))
	for key, row := range t.rows {
		r := *row
		if key.workload != nil {
			r.Workload = *key.workload
		}
		s.Rows, keys = append(s.Rows, r), append(keys, key)
	}
	if t.set.opts.Stacks.Any() {
		t.addStacks(&s, keys)
	}
	if t.set.lines != nil {
		t.addPaths(&s, keys)
	}
	return s, nil
}

// Close detaches the probes. A second call does nothing.
func (t *Tracer) Close() error { return t.set.Close() }

// bias returns the part of a reading that the probes themselves take, in ns; 0 without a calibration.
func bias(c profile.Calibration) float64 { return biasOf(c, profile.ScopeProgram) }

// biasOf is bias for targets of a scope.
func biasOf(c profile.Calibration, scope profile.Scope) float64 {
	switch {
	case !c.Applies():
		return 0
	case scope == profile.ScopeFunction && c.BiasFunction != (profile.Median{}):
		return c.BiasFunction.Value
	}
	return c.Bias.Value
}
