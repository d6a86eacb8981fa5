package tracer

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// TraceOptions say which calls a [Stream] emits, and what it says about each. The zero value emits every call of every
// attached program, except those of this process.
type TraceOptions struct {
	// Select, Functions, PolicyRules, Filter, Enforcers, Namer, Calibration, Progress and Logger are those of
	// Options.
	Select      func(Program) bool
	Functions   []Function
	PolicyRules func(lsm, policy string) int
	Filter      Filter
	Enforcers   Enforcers
	Namer       Namer
	Calibration profile.Calibration
	Progress    func(done, programs int)
	Logger      *slog.Logger
	// Memory bounds the event buffers of all CPUs together, in bytes. 0: DefaultMemory.
	Memory int
	// Sample N emits one in N calls, at random. 0 and 1: all calls.
	Sample int

	// SlowerThan drops calls whose body is faster. 0: none, not even those without a time.
	SlowerThan time.Duration
	// Denied drops calls that were allowed.
	Denied bool
	// Syscalls drops calls in other syscalls. Nil: none.
	Syscalls []string
	// Self includes the calls of this process. Beware: handling one event may cause calls that emit the next.
	Self bool
	// About has events say what the call is about: the file, the peer, the process, the capability.
	About bool
	// Stacks are those that every event carries.
	Stacks Stacks
}

// Event is one call of a program or, with ScopeHook, of all programs on a hook.
type Event struct {
	Time     time.Time // when the call began, or ended if it is not Timed
	Workload profile.Workload
	Comm     string
	PID, TID uint32 // in the initial pid namespace
	CPU      int
	Syscall  string
	Program  profile.Program // hook, name, id, enforcer and scope
	Rules    int             // or profile.RulesUnknown

	Timed   bool    // false: another task ran in between, or the entry was not seen
	Reading float64 // ns
	Body    float64 // ns: the reading without the bias, if there is a calibration
	Return  int     // 0: allowed; a negative errno: denied
	Void    bool    // the hook returns nothing

	About  string          // empty if it was not asked for, or the hook has no such argument
	Kernel []profile.Frame // innermost first
	User   []profile.Frame
}

// Loss says what became of the calls that passed the filters.
type Loss struct {
	Received uint64   // events read
	Lost     []uint64 // events dropped on each CPU because its buffer was full
	Damaged  uint64   // events that could not be decoded: a bug
	Missed   uint64   // calls that the kernel kept from the probes; whether they would have passed is unknown

	unread uint64 // still in the buffers
}

// Total returns the events lost on all CPUs.
func (l Loss) Total() (n uint64) {
	for _, lost := range l.Lost {
		n += lost
	}
	return n
}

// Stream emits the calls of BPF LSM programs one by one from [StartTrace] on. The caller must call [Stream.Close]. Its
// methods must not be called concurrently. After Close, and on a zero Stream, Trace returns an error that wraps
// [os.ErrClosed]; the other methods return what was known before.
type Stream struct {
	set     *probeSet
	pending []pendingEvent
}

// eventSource is what the probe number of an event stands for. It stays when the probes are detached, because the
// buffers may still hold events of them.
type eventSource struct {
	program  profile.Program
	forRules Program // to ask the rules for
	subject  subject
	void     bool
	target   *probedTarget // to charge stacks to
	// gone is when the probes were detached, CLOCK_MONOTONIC in ns; 0: they are attached. Until the kernel has
	// detached them, those of a hook still emit calls that run no program any more.
	gone uint64
}

// pendingEvent waits for the next reading of the rules.
type pendingEvent struct {
	cpu int
	rawEvent
}

// StartTrace attaches probes to the selected programs, and begins to record events when all are in place. It needs
// root.
func StartTrace(ctx context.Context, opts TraceOptions) (_ *Stream, err error) {
	set, targets, err := newProbeSet(ctx, Options{
		Select: opts.Select, Functions: opts.Functions, Filter: opts.Filter, Enforcers: opts.Enforcers,
		PolicyRules: opts.PolicyRules, Namer: opts.Namer,
		Calibration: opts.Calibration, Progress: opts.Progress, Logger: opts.Logger,
		Memory: opts.Memory, Sample: opts.Sample,
	}, true)
	if err != nil {
		return nil, err
	}
	s := &Stream{set: set}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	set.ring, err = newRing(ringOptions{
		events: opts, bias: bias(opts.Calibration), memory: opts.Memory, cpus: set.loader.cpus,
	})
	if err != nil {
		return nil, err
	}
	if err := set.start(ctx, targets); err != nil {
		return nil, err
	}
	return s, nil
}

const (
	// maxEvents bounds what is read from the buffers at once, and so the memory that it takes.
	maxEvents = 1 << 14
	// maxLastReads bounds how often Trace looks for the last events after its context is done.
	maxLastReads = 1000
)

// Trace calls fn for every event until ctx is done or fn fails, and returns fn's error. Events of one poll are in the
// order in which the calls began. After each poll it calls polled, unless that is nil, with what was lost until then.
//
// When ctx is done, Trace pauses recording, hands out what is left, and returns nil. Trace may be called again, which
// resumes recording.
func (s *Stream) Trace(ctx context.Context, fn func(*Event) error, polled func(Loss) error) error {
	if err := s.set.check("trace"); err != nil {
		return err
	}
	s.set.resume()
	for left := maxLastReads; left > 0; {
		deadline := time.Now()
		over := ctx.Err() != nil
		if over {
			left--
			s.set.pause()
		} else {
			deadline = deadline.Add(PollInterval)
		}
		err := s.set.ring.read(deadline, maxEvents, func(cpu int, e rawEvent) {
			s.pending = append(s.pending, pendingEvent{cpu, e})
		})
		if err != nil {
			return err
		}
		if err := s.set.poll(context.WithoutCancel(ctx), s); err != nil {
			return err
		}
		if err := s.emit(fn); err != nil {
			return err
		}
		loss, err := s.Loss()
		if err != nil {
			return err
		}
		if polled != nil {
			if err := polled(loss); err != nil {
				return err
			}
		}
		if over && loss.unread == 0 {
			return nil
		}
	}
	return nil
}

// collect implements recorder: events are read by Trace.
func (s *Stream) collect() { s.set.readRules() }

// finish implements recorder.
func (s *Stream) finish(int) {}

// emit hands out the pending events. All ended before the last reading of the rules, because a poll lies in between.
func (s *Stream) emit(fn func(*Event) error) error {
	slices.SortStableFunc(s.pending, func(a, b pendingEvent) int { return cmp.Compare(a.Start, b.Start) })
	epoch := time.Now().Add(-time.Duration(monotonic()))
	symbols := newUserSymbols(s.set.files)
	for i := range s.pending {
		e := &s.pending[i]
		source, ok := s.set.sources[e.Probe]
		if !ok {
			s.set.ring.damaged++
			continue
		}
		if source.gone > 0 && e.end() > source.gone {
			continue
		}
		described := s.describe(e, source, epoch, symbols)
		if err := fn(&described); err != nil {
			s.pending = s.pending[i+1:]
			return err
		}
	}
	s.pending = s.pending[:0]
	return nil
}

// describe names what a raw event holds as numbers.
func (s *Stream) describe(e *pendingEvent, source *eventSource, epoch time.Time, symbols *userSymbols) Event {
	out := Event{
		Time: epoch.Add(time.Duration(e.Start)), Comm: cString(e.Comm[:]), PID: e.Tgid, TID: e.Pid, CPU: e.cpu,
		Syscall: syscallName(e.Syscall), Program: source.program, Rules: profile.RulesUnknown,
		Timed: e.Reading != noReading, Return: int(e.Ret), Void: source.void,
		About:  source.subject.describe(source.program.Hook, e.about),
		Kernel: s.set.kernelFrames(source.target, e.kernel), User: symbols.frames(e.Tgid, e.user),
	}
	out.Workload = *s.set.names.lookup(e.Mntns, out.Comm)
	if out.Timed {
		out.Reading = float64(e.Reading)
		out.Body = max(0, out.Reading-biasOf(s.set.opts.Calibration, source.target.target.scope))
		// Without a reading it is unknown when the call began, and so which rules were in force.
		if h, ok := s.set.histories[source.program.Enforcer]; ok {
			out.Rules = h.timeline.rules(e.Mntns, source.forRules, e.Start, e.end())
		}
	}
	if t := &source.target.target; t.scope == profile.ScopeFunction {
		_, out.Rules = s.set.policy(t.function, e.Mntns)
	}
	return out
}

// Loss returns what was lost until now. After Trace returned because its context was done, Received and Lost together
// are all calls that passed.
func (s *Stream) Loss() (Loss, error) {
	if s.set == nil {
		return Loss{}, nil
	}
	l := Loss{Damaged: s.set.ring.damaged}
	l.Received, l.Lost, l.unread = s.set.ring.received()
	programs, err := s.Programs()
	for _, p := range programs {
		l.Missed += p.Missed
	}
	return l, err
}

// Programs returns the programs that are or were probed, in the order in which they appeared. Only their number of
// missed calls is filled in, none of the other numbers of calls.
func (s *Stream) Programs() ([]profile.Program, error) {
	if s.set == nil {
		return nil, nil
	}
	return s.set.programs()
}

// Close detaches the probes. Events that were not handed out are dropped. A second call does nothing.
func (s *Stream) Close() error { return s.set.Close() }
