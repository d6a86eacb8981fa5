package tracer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

// errGone says that a program was detached between being listed and being probed: an enforcer that restarts, no failure.
var errGone = errors.New("detached meanwhile; record again")

// target is what one pair of probes sits on.
type target struct {
	program Program // of ScopeHook: the first of the hook
	scope   profile.Scope
}

func (t target) String() string {
	if t.scope == profile.ScopeHook {
		return HookPrefix + t.program.Hook
	}
	return t.program.Name
}

// variant is the pair of programs of bpf/probe.bpf.c that fits a target.
type variant struct{ enter, exit string }

func (t target) variant() (variant, error) {
	switch {
	case t.scope == profile.ScopeProgram && t.program.Sleepable:
		return variant{bpf.ProbeProgProbeEnterSleepable, bpf.ProbeProgProbeExitSleepable}, nil
	case t.scope == profile.ScopeProgram:
		return variant{bpf.ProbeProgProbeEnter, bpf.ProbeProgProbeExit}, nil
	case t.program.Sleepable:
		// A start cannot be kept with the task: task storage for tracing programs came with 5.11.
		return variant{}, fmt.Errorf("sleepable programs need Linux 5.18: %w", ErrUnsupported)
	}
	return variant{bpf.ProbeProgProbeEnterLegacy, bpf.ProbeProgProbeExitLegacy}, nil
}

// loader loads pairs of probes that share a control map.
type loader struct {
	spec    *ebpf.CollectionSpec
	control *control
	cells   int // per CPU and target, a power of two
	cpus    int
}

func newLoader(f Filter, preemptible bool, sample, cells int) (*loader, error) {
	spec, err := bpf.LoadProbe()
	if err != nil {
		return nil, fmt.Errorf("read probe object: %w", err)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("count CPUs: %w", err)
	}
	if slots := int(spec.Variables[bpf.ProbeVarSlots].Size()) / slotSize; cpus > slots {
		return nil, fmt.Errorf("%d possible CPUs, the probes have room for %d: %w", cpus, slots, ErrUnsupported)
	}
	c, err := newControl(spec, f, preemptible, sample)
	if err != nil {
		return nil, err
	}
	return &loader{spec: spec, control: c, cells: cells, cpus: cpus}, nil
}

func (l *loader) Close() error { return l.control.Close() }

// probe is an attached pair.
type probe struct {
	target target
	enter  link.Link
	exit   link.Link
	// exitProg counts the invocations that the kernel kept from it (recursion_misses).
	exitProg *ebpf.Program
	cells    *cells
}

// attach puts a pair of probes on t. It is safe to call from several goroutines.
func (l *loader) attach(t target) (_ *probe, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("attach %s: %w", t, explainLoad(err))
		}
	}()
	objs, err := l.load(t)
	if err != nil {
		return nil, err
	}
	defer objs.Enter.Close() // its link stays
	p := &probe{target: t, exitProg: objs.Exit}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if p.cells, err = newCells(objs.Cells, l.cpus, l.cells); err != nil {
		return nil, err
	}
	// The exit first: with the entry first, an invocation in between would leave a start behind.
	if p.exit, err = link.AttachTracing(link.TracingOptions{Program: objs.Exit}); err != nil {
		return nil, err
	}
	p.enter, err = link.AttachTracing(link.TracingOptions{Program: objs.Enter})
	return p, err
}

// objects are what load keeps of a pair. The library would map the variables as well, and unmap them when the garbage collector
// comes by: the maps would stay in the kernel until then.
type objects struct {
	Enter *ebpf.Program `ebpf:"enter"`
	Exit  *ebpf.Program `ebpf:"exit"`
	Cells *ebpf.Map     `ebpf:"cells"`
}

func (l *loader) load(t target) (*objects, error) {
	v, err := t.variant()
	if err != nil {
		return nil, err
	}
	spec := l.spec.Copy()
	enter, exit := spec.Programs[v.enter], spec.Programs[v.exit]
	spec.Programs = map[string]*ebpf.ProgramSpec{"enter": enter, "exit": exit}
	if !t.program.Sleepable {
		delete(spec.Maps, bpf.ProbeMapTaskSlots)
	}
	spec.Maps[bpf.ProbeMapCells].MaxEntries = uint32(l.cpus * l.cells)

	var arguments uint8
	if t.scope == profile.ScopeHook {
		if arguments, err = hookArguments(t.program.Hook); err != nil {
			return nil, err
		}
	} else {
		prog, err := ebpf.NewProgramFromID(t.program.ID)
		if errors.Is(err, os.ErrNotExist) {
			return nil, errGone
		}
		if err != nil {
			return nil, fmt.Errorf("open program %d: %w", t.program.ID, err)
		}
		defer prog.Close()
		enter.AttachTarget, exit.AttachTarget = prog, prog
	}
	enter.AttachTo, exit.AttachTo = t.String(), t.String()

	for name, value := range map[string]any{
		bpf.ProbeVarSlots:     l.slots(),
		bpf.ProbeVarArguments: arguments,
		bpf.ProbeVarBucketOf:  bucketTable(),
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, err
		}
	}
	objs := &objects{}
	return objs, spec.LoadAndAssign(objs, &ebpf.CollectionOptions{
		MapReplacements: map[string]*ebpf.Map{controlMap: l.control.m},
		Cache:           kernelTypes,
	})
}

// slots tells each CPU where its cells are.
func (l *loader) slots() []bpf.ProbeSlot {
	slots := make([]bpf.ProbeSlot, int(l.spec.Variables[bpf.ProbeVarSlots].Size())/slotSize)
	for cpu := range l.cpus {
		slots[cpu].First, slots[cpu].Mask = uint32(cpu*l.cells), uint32(l.cells-1)
		slots[cpu].Random = rand.Uint32() | 1 // xorshift stays at 0
	}
	return slots
}

// noReturn is NO_RETURN of bpf/return.h.
const noReturn = 255

// hookArguments is the number of arguments of a hook, behind which a tracing program finds the return value.
func hookArguments(hook string) (uint8, error) {
	kernel, err := kernelTypes.Kernel()
	if err != nil {
		return 0, fmt.Errorf("read the kernel's BTF: %w", err)
	}
	var fn *btf.Func
	if err := kernel.TypeByName(HookPrefix+hook, &fn); err != nil {
		return 0, fmt.Errorf("find %s in the kernel's BTF: %w", HookPrefix+hook, err)
	}
	proto, ok := fn.Type.(*btf.FuncProto)
	if !ok {
		return 0, fmt.Errorf("%s has no prototype in the kernel's BTF", HookPrefix+hook)
	}
	if _, void := proto.Return.(*btf.Void); void {
		return noReturn, nil
	}
	return uint8(len(proto.Params)), nil
}

// misses is the number of invocations that the kernel kept from the exit probe; 0 before Linux 5.12, which does not count them.
func (p *probe) misses() (uint64, error) {
	s, err := p.exitProg.Stats()
	if err != nil {
		return 0, fmt.Errorf("read misses of %s: %w", p.target, err)
	}
	return s.RecursionMisses, nil
}

// Close detaches the pair, entry first so that no start stays without an exit.
func (p *probe) Close() error {
	var errs []error
	for _, l := range []link.Link{p.enter, p.exit} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	if p.exitProg != nil {
		errs = append(errs, p.exitProg.Close())
	}
	if p.cells != nil {
		errs = append(errs, p.cells.Close())
	}
	return errors.Join(errs...)
}
