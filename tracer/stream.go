package tracer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/perf"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/profile"
)

// Events say which invocations a Tracer tells of one by one, and what it tells. The kernel leaves out the others.
type Events struct {
	SlowerThan time.Duration // body; 0: also those that have no time
	Denied     bool          // only those
	Syscalls   []string      // only these, by name; nil: all
	About      bool          // the file, the peer, …
	Stacks     Stacks
	Own        bool // also of this process, where to tell of one makes for another
}

// Stacks say which stacks go with an invocation.
type Stacks struct{ Kernel, User bool }

// syscallGiven is SYSCALL_GIVEN of bpf/events.h.
const syscallGiven = 1 << 16

// Any says whether there is one.
func (s Stacks) Any() bool { return s.Kernel || s.User }

// Bounds on the ring of a CPU.
const (
	minRing = 64 << 10
	maxRing = 8 << 20
)

// stream is the way of events from all probes to us: a ring for each CPU. A probe never waits for room in it; it counts what found
// none.
type stream struct {
	spec      *ebpf.CollectionSpec
	counted   bool // the events are stacks beside what is counted
	events    *ebpf.Map
	tallies   *ebpf.Map
	mem       mapped // tallies
	reader    *perf.Reader
	constants map[string]any
	about     bool
	origins   atomic.Uint32 // the last one given out

	record  perf.Record
	now     []tally // by CPU
	damaged uint64
}

// tally is what became of the events of one CPU.
type tally struct{ sent, lost, received uint64 }

// newStream makes the rings. each is the part of the invocations, one of so many, whose stack is taken beside the counters; 0: the
// stream is all there is.
func newStream(ev Events, bias float64, memory, cpus, each int) (_ *stream, err error) {
	spec, err := bpf.LoadTrace()
	if err != nil {
		return nil, fmt.Errorf("read trace object: %w", err)
	}
	var self uint32 // nobody
	if each == 0 && !ev.Own {
		if self, err = ownID(); err != nil {
			return nil, err
		}
	}
	s := &stream{spec: spec, counted: each > 0, about: ev.About, now: make([]tally, cpus)}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.constants, err = ev.constants(bias, self, each, int(spec.Variables[bpf.TraceVarSyscallsAllowed].Size())/4); err != nil {
		return nil, err
	}
	if s.events, err = ebpf.NewMap(spec.Maps[bpf.TraceMapEvents]); err != nil {
		return nil, fmt.Errorf("create map of rings: %w", lsm.ExplainLoad(err))
	}
	tallies := spec.Maps[bpf.TraceMapTallies].Copy()
	tallies.MaxEntries = uint32(cpus)
	spec.Maps[bpf.TraceMapTallies] = tallies
	if s.tallies, err = ebpf.NewMap(tallies); err != nil {
		return nil, fmt.Errorf("create map of tallies: %w", lsm.ExplainLoad(err))
	}
	if s.mem, err = mapMemory(s.tallies); err != nil {
		return nil, fmt.Errorf("map tallies: %w", err)
	}
	ring := min(max(memory/cpus, minRing), maxRing)
	// Woken up for every event, the traced system would pay for that as well: we look from time to time, or when much has come.
	if s.reader, err = perf.NewReaderWithOptions(s.events, ring, perf.ReaderOptions{Watermark: ring / 4}); err != nil {
		return nil, fmt.Errorf("create rings of %d KiB: %w; a lower --memory makes them smaller", ring>>10, lsm.ExplainLoad(err))
	}
	return s, nil
}

// constants are what the probes of all targets are told before they are loaded.
func (ev Events) constants(bias float64, self uint32, each, places int) (map[string]any, error) {
	c := map[string]any{
		bpf.TraceVarSelf:         self,
		bpf.TraceVarSlowerThan:   uint64(0),
		bpf.TraceVarOnlyDenied:   flag(ev.Denied),
		bpf.TraceVarKernelStacks: flag(ev.Stacks.Kernel),
		bpf.TraceVarUserStacks:   flag(ev.Stacks.User),
		bpf.TraceVarStackOfEach:  uint32(max(1, each)),
	}
	if ev.SlowerThan > 0 {
		c[bpf.TraceVarSlowerThan] = uint64(math.Ceil(float64(ev.SlowerThan.Nanoseconds()) + bias))
	}
	if len(ev.Syscalls) > 0 {
		var keys []uint32
		for _, name := range ev.Syscalls {
			nr, ok := syscallByName(name)
			if !ok {
				return nil, fmt.Errorf("syscall %q is not known on this machine", name)
			}
			keys = append(keys, uint32(nr)|syscallGiven)
		}
		t, err := table("syscall", places, keys)
		if err != nil {
			return nil, err
		}
		c[bpf.TraceVarOnlySyscalls], c[bpf.TraceVarSyscallsAllowed] = flag(true), t
	}
	return c, nil
}

func flag(on bool) uint8 {
	if on {
		return 1
	}
	return 0
}

// ownID is our process id as the kernel counts, in the initial pid namespace: /proc in a container does not say.
func ownID() (uint32, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "lsmprof_self", Type: ebpf.RawTracepoint, License: "GPL",
		Instructions: asm.Instructions{asm.FnGetCurrentPidTgid.Call(), asm.RSh.Imm(asm.R0, 32), asm.Return()},
	})
	if err != nil {
		return 0, fmt.Errorf("ask for the own process id: %w", lsm.ExplainLoad(err))
	}
	defer prog.Close()
	id, err := prog.Run(&ebpf.RunOptions{})
	if err != nil {
		return 0, fmt.Errorf("ask for the own process id: %w", err)
	}
	return id, nil
}

// next is the number of one more pair of probes.
func (s *stream) next() uint32 { return s.origins.Add(1) }

// attachStream puts the programs of bpf/trace.bpf.c on the target of p. Where invocations are counted as well, it is called last: the
// kernel runs the latest program first, so that the stack is taken before the reading begins.
func (l *loader) attachStream(p *probe) error {
	s := l.stream
	v, err := p.target.variant()
	if err != nil {
		return err
	}
	p.origin = s.next()
	constants := map[string]any{bpf.TraceVarProbe: p.origin, bpf.TraceVarSlots: l.slots()}
	for name, value := range s.constants {
		constants[name] = value
	}
	proto, err := hookPrototype(p.target.program.Hook)
	if err != nil {
		return err
	}
	_, p.void = proto.Return.(*btf.Void)
	if s.about {
		p.about = subjectOf(p.target.program.Hook, proto.Params)
		constants[bpf.TraceVarAbout], constants[bpf.TraceVarAboutArgument] = uint8(p.about.kind), p.about.argument
	}
	shared := map[string]*ebpf.Map{bpf.TraceMapEvents: s.events, bpf.TraceMapTallies: s.tallies}
	if s.counted {
		var objs struct {
			Stack *ebpf.Program `ebpf:"stack"`
		}
		spec := choose(s.spec, map[string]string{"stack": v.stack})
		delete(spec.Maps, bpf.TraceMapTaskSlots)
		if err := l.load(p.target, spec, constants, shared, &objs); err != nil {
			return err
		}
		defer objs.Stack.Close() // its link stays
		p.stack, err = link.AttachTracing(link.TracingOptions{Program: objs.Stack})
		return err
	}
	var objs pair
	spec := choose(s.spec, map[string]string{"enter": v.traceEnter, "exit": v.traceExit})
	if err := l.load(p.target, spec, constants, shared, &objs); err != nil {
		return err
	}
	return p.attachPair(objs)
}

// read calls fn for events until one comes that is not there yet and the deadline is over, or until so many have come.
func (s *stream) read(deadline time.Time, most int, fn func(cpu int, e event)) error {
	s.reader.SetDeadline(deadline)
	for range most {
		err := s.reader.ReadInto(&s.record)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case perf.IsUnknownEvent(err):
			continue // of the kernel's own
		case err != nil:
			return fmt.Errorf("read events: %w", err)
		case s.record.LostSamples > 0:
			continue // the probes count what they could not send, and that more exactly
		}
		if s.record.CPU < len(s.now) {
			s.now[s.record.CPU].received++
		}
		e, err := decodeEvent(s.record.RawSample)
		if err != nil {
			s.damaged++
			continue
		}
		fn(s.record.CPU, e)
	}
	return nil
}

// count is what has become of the events of each CPU until now.
func (s *stream) count() []tally {
	for cpu := range s.now {
		t := (*bpf.TraceTally)(unsafe.Pointer(&s.mem[cpu*int(unsafe.Sizeof(bpf.TraceTally{}))]))
		s.now[cpu].sent, s.now[cpu].lost = atomic.LoadUint64(&t.Sent), atomic.LoadUint64(&t.Lost)
	}
	return s.now
}

func (s *stream) Close() error {
	errs := []error{s.mem.Close()}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	for _, m := range []*ebpf.Map{s.events, s.tallies} {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}

// bias is what a reading has too much.
func bias(c profile.Calibration) float64 {
	if c.Applies() {
		return c.Bias.Value
	}
	return 0
}
