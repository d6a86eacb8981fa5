package tracer

import (
	"cmp"
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
)

// syscallGiven is SYSCALL_GIVEN of bpf/events.h.
const syscallGiven = 1 << 16

// Bounds on the ring of a CPU, in bytes.
const (
	minRing = 64 << 10
	maxRing = 8 << 20
)

// ring carries the events of all probes to user space. Each CPU has its own buffer. A probe never waits for
// space in it: it drops the event and counts it as lost.
type ring struct {
	spec      *ebpf.CollectionSpec
	sampling  bool // the events are stacks besides counting
	events    *ebpf.Map
	tallies   *ebpf.Map
	mem       mapMemory // of tallies
	reader    *perf.Reader
	constants map[string]any
	subjects  bool
	sources   atomic.Uint32 // last number of an eventSource

	record  perf.Record
	tally   []tally // by CPU
	damaged uint64
}

// tally is what became of the events of one CPU.
type tally struct{ sent, lost, received uint64 }

// ringOptions say which events the probes emit.
type ringOptions struct {
	events       TraceOptions
	bias         float64 // ns
	stackSample  int     // take the stack of one of N calls besides counting; 0: the probes do not count
	memory, cpus int
}

// newRing creates the buffers.
func newRing(o ringOptions) (_ *ring, err error) {
	spec, err := bpf.LoadTrace()
	if err != nil {
		return nil, fmt.Errorf("read trace object: %w", err)
	}
	var self uint32 // matches no process
	if !o.events.Self {
		if self, err = ownID(); err != nil {
			return nil, err
		}
	}
	r := &ring{spec: spec, sampling: o.stackSample > 0, subjects: o.events.About, tally: make([]tally, o.cpus)}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	if r.constants, err = o.constants(self, int(spec.Variables[bpf.TraceVarSyscallsAllowed].Size())/4); err != nil {
		return nil, err
	}
	if r.events, err = ebpf.NewMap(spec.Maps[bpf.TraceMapEvents]); err != nil {
		return nil, fmt.Errorf("create map of rings: %w", lsm.ExplainLoad(err))
	}
	tallies := spec.Maps[bpf.TraceMapTallies].Copy()
	tallies.MaxEntries = uint32(o.cpus)
	spec.Maps[bpf.TraceMapTallies] = tallies
	if r.tallies, err = ebpf.NewMap(tallies); err != nil {
		return nil, fmt.Errorf("create map of tallies: %w", lsm.ExplainLoad(err))
	}
	if r.mem, err = mapMap(r.tallies); err != nil {
		return nil, fmt.Errorf("map tallies: %w", err)
	}
	size := min(max(cmp.Or(o.memory, DefaultMemory)/o.cpus, minRing), maxRing)
	// A wake-up for every event would be paid by the traced task. The reader looks at intervals, and is woken if a
	// quarter of the buffer is full.
	r.reader, err = perf.NewReaderWithOptions(r.events, size, perf.ReaderOptions{Watermark: size / 4})
	if err != nil {
		return nil, &RingError{Bytes: size, Err: lsm.ExplainLoad(err)}
	}
	return r, nil
}

// RingError means that the kernel refused the memory for the event buffers. Less [TraceOptions.Memory] makes them
// smaller.
type RingError struct {
	Bytes int // of the buffer of each CPU
	Err   error
}

func (e *RingError) Error() string {
	return fmt.Sprintf("create event buffers of %d KiB per CPU: %v", e.Bytes>>10, e.Err)
}

// Unwrap returns the kernel's error.
func (e *RingError) Unwrap() error { return e.Err }

// constants returns the values of the probes' constants. The number of keys that the table of syscalls holds is places.
func (o ringOptions) constants(self uint32, places int) (map[string]any, error) {
	c := map[string]any{
		bpf.TraceVarSelf:         self,
		bpf.TraceVarSlowerThan:   uint64(0),
		bpf.TraceVarOnlyDenied:   flag(o.events.Denied),
		bpf.TraceVarKernelStacks: flag(o.events.Stacks.Kernel),
		bpf.TraceVarUserStacks:   flag(o.events.Stacks.User),
		bpf.TraceVarStackOfEach:  uint32(max(1, o.stackSample)),
	}
	if d := o.events.SlowerThan; d > 0 {
		c[bpf.TraceVarSlowerThan] = uint64(math.Ceil(float64(d.Nanoseconds()) + o.bias))
	}
	if len(o.events.Syscalls) > 0 {
		var keys []uint32
		for _, name := range o.events.Syscalls {
			nr, ok := syscallByName(name)
			if !ok {
				return nil, fmt.Errorf("unknown syscall %q on this machine", name)
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

// ownID returns this process's id in the initial pid namespace. In a container /proc does not have it.
func ownID() (uint32, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "lsmprof_self", Type: ebpf.RawTracepoint, License: "GPL",
		Instructions: asm.Instructions{asm.FnGetCurrentPidTgid.Call(), asm.RSh.Imm(asm.R0, 32), asm.Return()},
	})
	if err != nil {
		return 0, fmt.Errorf("find lsmprof's process id: %w", lsm.ExplainLoad(err))
	}
	defer prog.Close()
	id, err := prog.Run(&ebpf.RunOptions{})
	if err != nil {
		return 0, fmt.Errorf("find lsmprof's process id: %w", err)
	}
	return id, nil
}

// attachEvents attaches the programs of bpf/trace.bpf.c to the target of p. If the probes count as well, it is called
// after the counting pair was attached: the kernel runs the latest program first, so the stack is taken before the
// reading begins.
func (l *loader) attachEvents(p *probe, r *ring) error {
	v, err := p.target.variant()
	if err != nil {
		return err
	}
	p.source = r.sources.Add(1)
	constants := map[string]any{bpf.TraceVarProbe: p.source, bpf.TraceVarSlots: l.slots(layout{})}
	for name, value := range r.constants {
		constants[name] = value
	}
	proto, err := p.target.prototype()
	if err != nil {
		return err
	}
	_, p.void = proto.Return.(*btf.Void)
	if r.subjects {
		p.subject = subjectOf(p.target.program.Hook, proto.Params)
		constants[bpf.TraceVarAbout] = uint8(p.subject.kind)
		constants[bpf.TraceVarAboutArgument] = p.subject.argument
	}
	shared := map[string]*ebpf.Map{bpf.TraceMapEvents: r.events, bpf.TraceMapTallies: r.tallies}
	if r.sampling {
		var objs struct {
			Stack *ebpf.Program `ebpf:"stack"`
		}
		spec := withPrograms(r.spec, map[string]string{"stack": v.stack})
		delete(spec.Maps, bpf.TraceMapTaskSlots)
		if err := l.load(p.target, spec, constants, shared, &objs); err != nil {
			return err
		}
		defer objs.Stack.Close() // its link stays
		p.stack, err = link.AttachTracing(link.TracingOptions{Program: objs.Stack})
		return err
	}
	var objs pair
	spec := withPrograms(r.spec, map[string]string{"enter": v.traceEnter, "exit": v.traceExit})
	if err := l.load(p.target, spec, constants, shared, &objs); err != nil {
		return err
	}
	return p.attachPair(objs)
}

// read calls fn for each event until the buffers are empty and the deadline has passed, or for most events.
func (r *ring) read(deadline time.Time, most int, fn func(cpu int, e rawEvent)) error {
	r.reader.SetDeadline(deadline)
	for range most {
		err := r.reader.ReadInto(&r.record)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case perf.IsUnknownEvent(err):
			continue // the kernel's own
		case err != nil:
			return fmt.Errorf("read events: %w", err)
		case r.record.LostSamples > 0:
			continue // the probes count lost events exactly
		}
		if r.record.CPU < len(r.tally) {
			r.tally[r.record.CPU].received++
		}
		e, err := decodeEvent(r.record.RawSample)
		if err != nil {
			r.damaged++
			continue
		}
		fn(r.record.CPU, e)
	}
	return nil
}

// received returns the number of events that were read, of all CPUs, that were lost, by CPU, and that are still in the
// buffers, of all CPUs. After Close the numbers stay.
func (r *ring) received() (received uint64, lost []uint64, unread uint64) {
	lost = make([]uint64, len(r.tally))
	for cpu := range r.tally {
		t := &r.tally[cpu]
		if r.mem != nil {
			live := (*bpf.TraceTally)(unsafe.Pointer(&r.mem[cpu*int(unsafe.Sizeof(bpf.TraceTally{}))]))
			t.sent, t.lost = atomic.LoadUint64(&live.Sent), atomic.LoadUint64(&live.Lost)
		}
		received += t.received
		lost[cpu] = t.lost
		unread += t.sent - min(t.sent, t.received)
	}
	return received, lost, unread
}

func (r *ring) Close() error {
	r.received()
	errs := []error{r.mem.Close()}
	if r.reader != nil {
		errs = append(errs, r.reader.Close())
	}
	for _, m := range []*ebpf.Map{r.events, r.tallies} {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
