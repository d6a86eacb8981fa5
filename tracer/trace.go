package tracer

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// Invocation is one run of a program or, where programs cannot be told apart, of all of a hook.
type Invocation struct {
	Time     time.Time // when it began; where it has no reading, when it ended
	Workload profile.Workload
	Comm     string
	PID, TID uint32 // in the initial pid namespace
	CPU      int
	Syscall  string
	Of       profile.Program // hook, name, id, enforcer, scope
	Rules    int             // or profile.RulesUnknown

	Timed   bool    // else another task ran in between, or the entry was not seen
	Reading float64 // ns
	Body    float64 // ns: the reading without the bias, where there is a calibration
	Return  int     // 0: allowed; a negative errno: denied
	Void    bool    // the hook decides nothing

	About  string          // "": not asked for, or the hook is about nothing that can be told
	Kernel []profile.Frame // the innermost first
	User   []profile.Frame
}

// eventsAtOnce bounds what is read from the rings between two looks at everything else, and so the memory it takes.
const eventsAtOnce = 1 << 14

// lastLooks bounds how often a Tracer that is to end looks for what was under way.
const lastLooks = 1000

// origin is what an event's number of probes stands for. It stays when the probes go: events of them may still lie in the rings.
type origin struct {
	program profile.Program
	walks   Program
	about   subject
	void    bool
	traced  *traced // what stacks are charged to
	// When the probes were let go, CLOCK_MONOTONIC in ns; 0: they are there. Until the kernel has detached them, those of a hook go on
	// to tell of calls that no program runs in any more.
	gone uint64
}

// held is an event that waits for the reading of the rules after it.
type held struct {
	cpu int
	event
}

// Trace tells fn of the invocations that pass, those of a moment in their order, until ctx is done or fn fails. It polls as Run does;
// polled is called after each time.
func (t *Tracer) Trace(ctx context.Context, fn func(*Invocation) error, polled func(Loss) error) error {
	for left := lastLooks; left > 0; {
		deadline := time.Now()
		over := ctx.Err() != nil
		if over {
			left--
			t.loader.control.shut()
		} else {
			deadline = deadline.Add(PollInterval)
		}
		err := t.loader.stream.read(deadline, eventsAtOnce, func(cpu int, e event) { t.held = append(t.held, held{cpu, e}) })
		if err != nil {
			return err
		}
		if err := t.Poll(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		if err := t.tell(fn); err != nil {
			return err
		}
		loss, err := t.Loss()
		if err != nil {
			return err
		}
		if err := polled(loss); err != nil {
			return err
		}
		if over && loss.unread == 0 {
			return nil
		}
	}
	return nil
}

// tell hands the events out that ended before the last reading of the rules: after a poll, all that were there before it.
func (t *Tracer) tell(fn func(*Invocation) error) error {
	slices.SortStableFunc(t.held, func(a, b held) int { return cmp.Compare(a.Start, b.Start) })
	epoch := time.Now().Add(-time.Duration(monotonic()))
	symbols := newUserSymbols(t.files)
	for i := range t.held {
		o, ok := t.origins[t.held[i].Probe]
		if !ok {
			t.loader.stream.damaged++
			continue
		}
		if o.gone > 0 && t.held[i].end() > o.gone {
			continue
		}
		inv := t.invocation(&t.held[i], o, epoch, symbols)
		if err := fn(&inv); err != nil {
			t.held = t.held[i+1:]
			return err
		}
	}
	t.held = t.held[:0]
	return nil
}

func (t *Tracer) invocation(h *held, o *origin, epoch time.Time, symbols *userSymbols) Invocation {
	inv := Invocation{
		Time: epoch.Add(time.Duration(h.Start)), Comm: cString(h.Comm[:]), PID: h.Tgid, TID: h.Pid, CPU: h.cpu,
		Syscall: syscallName(h.Syscall), Of: o.program, Rules: profile.RulesUnknown, Timed: h.Reading != noReading,
		Return: int(h.Ret), Void: o.void, About: o.about.describe(o.program.Hook, h.about),
		Kernel: t.kernelFrames(h.kernel), User: symbols.frames(h.Tgid, h.user),
	}
	inv.Workload = *t.names.note(h.Mntns, inv.Comm)
	if inv.Timed {
		inv.Reading = float64(h.Reading)
		inv.Body = max(0, inv.Reading-bias(t.opts.Calibration))
		// Of one without a reading nobody knows when it began.
		if known, ok := t.histories[o.program.Enforcer]; ok {
			inv.Rules = known.timeline.rules(h.Mntns, o.walks, h.Start, h.end())
		}
	}
	return inv
}

// Loss is what became of the invocations that passed the filters.
type Loss struct {
	Received uint64   // and told, unless the probes were about to go
	Lost     []uint64 // by CPU: no room in the ring, since we were too slow
	Damaged  uint64   // could not be read: a bug
	Missed   uint64   // the kernel kept them from the probes: whether they would have passed nobody knows

	unread uint64 // still in the rings
}

// Total is the sum over all CPUs.
func (l Loss) Total() (n uint64) {
	for _, lost := range l.Lost {
		n += lost
	}
	return n
}

// Loss is what was lost until now. After Trace has ended by its context, Received and Lost are all that passed.
func (t *Tracer) Loss() (Loss, error) {
	counts := t.loader.stream.count()
	l := Loss{Lost: make([]uint64, len(counts)), Damaged: t.loader.stream.damaged}
	for cpu, c := range counts {
		l.Received += c.received
		l.Lost[cpu] = c.lost
		l.unread += c.sent - min(c.sent, c.received)
	}
	for _, tr := range t.order {
		l.Missed += tr.missed
		if tr.probe != nil {
			misses, err := tr.probe.misses()
			if err != nil {
				return l, err
			}
			l.Missed += misses - tr.baseline
		}
	}
	return l, nil
}
