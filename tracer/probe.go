package tracer

import (
	"errors"
	"fmt"
	"math/bits"
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
type variant struct {
	enter, exit string
	quick       bool // has all cells in one map value
}

// largestValue is what most kernels let a map value have (KMALLOC_MAX_SIZE): room for the cells of all CPUs, of quick probes.
const largestValue = 4 << 20

// quickCells is their number: a power of two.
func (l *loader) quickCells() int { return l.cells << bits.Len(uint(l.cpus-1)) }
func (l *loader) quickFits() bool { return l.quickCells()*cellSize <= largestValue }

func (l *loader) variant(t target) (variant, error) {
	switch {
	case t.scope == profile.ScopeProgram && t.program.Sleepable:
		return variant{bpf.ProbeProgProbeEnterSleepable, bpf.ProbeProgProbeExitSleepable, false}, nil
	case t.scope == profile.ScopeProgram && l.mode == 0 && l.quickFits():
		return variant{bpf.ProbeProgProbeEnterQuick, bpf.ProbeProgProbeExitQuick, true}, nil
	case t.scope == profile.ScopeProgram && l.mode == bpf.ProbeModeMODE_PREEMPTIBLE && l.quickFits():
		return variant{bpf.ProbeProgProbeEnterQuickPreemptible, bpf.ProbeProgProbeExitQuickPreemptible, true}, nil
	case t.scope == profile.ScopeProgram && l.mode == bpf.ProbeModeMODE_MNTNS:
		return variant{bpf.ProbeProgProbeEnterMntns, bpf.ProbeProgProbeExit, false}, nil
	case t.scope == profile.ScopeProgram && l.mode == bpf.ProbeModeMODE_MNTNS|bpf.ProbeModeMODE_PREEMPTIBLE:
		return variant{bpf.ProbeProgProbeEnterMntnsPreemptible, bpf.ProbeProgProbeExit, false}, nil
	case t.scope == profile.ScopeProgram:
		return variant{bpf.ProbeProgProbeEnter, bpf.ProbeProgProbeExit, false}, nil
	case t.program.Sleepable:
		// A start cannot be kept with the task: task storage for tracing programs came with 5.11.
		return variant{}, fmt.Errorf("sleepable programs need Linux 5.18: %w", ErrUnsupported)
	}
	return variant{bpf.ProbeProgProbeEnterLegacy, bpf.ProbeProgProbeExitLegacy, false}, nil
}

// loader loads pairs of probes that share a control map.
type loader struct {
	spec    *ebpf.CollectionSpec
	control *control
	mode    bpf.ProbeMode
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
	mode := f.mode()
	if sample > 1 {
		mode |= bpf.ProbeModeMODE_SAMPLE
	}
	if preemptible {
		mode |= bpf.ProbeModeMODE_PREEMPTIBLE
	}
	c, err := newControl(spec, f, sample)
	if err != nil {
		return nil, err
	}
	return &loader{spec: spec, control: c, mode: mode, cells: cells, cpus: cpus}, nil
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

// LAST_QUICK_CELL_OF_CPU and LAST_QUICK_CELL of bpf/cells.h.
const (
	lastQuickCellOfCPU = 0x7ce11a55
	lastQuickCell      = 0x7ce11a57
)

const quickMap = ".data.cells"

type quickObjects struct {
	Enter *ebpf.Program `ebpf:"enter"`
	Exit  *ebpf.Program `ebpf:"exit"`
	Cells *ebpf.Map     `ebpf:".data.cells"`
}

func (l *loader) load(t target) (*objects, error) {
	v, err := l.variant(t)
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
	quick := spec.Maps[quickMap]
	quick.Key, quick.Value = nil, nil // they describe one cell
	quick.ValueSize = uint32(l.quickCells() * cellSize)
	quick.Contents = nil

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
		bpf.ProbeVarModeOfAll: uint32(l.mode),
		bpf.ProbeVarArguments: arguments,
		bpf.ProbeVarBucketOf:  bucketTable(),
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, err
		}
	}
	opts := &ebpf.CollectionOptions{MapReplacements: map[string]*ebpf.Map{controlMap: l.control.m}, Cache: kernelTypes}
	if !v.quick {
		objs := &objects{}
		return objs, spec.LoadAndAssign(objs, opts)
	}
	delete(spec.Variables, bpf.ProbeVarQuickCells)
	for _, p := range spec.Programs {
		for i := range p.Instructions {
			switch p.Instructions[i].Constant {
			case lastQuickCellOfCPU:
				p.Instructions[i].Constant = int64(l.cells - 1)
			case lastQuickCell:
				p.Instructions[i].Constant = int64(l.quickCells() - 1)
			}
		}
	}
	objs := &quickObjects{}
	err = spec.LoadAndAssign(objs, opts)
	return (*objects)(objs), err
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
