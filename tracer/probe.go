package tracer

import (
	"errors"
	"fmt"
	"maps"
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

// walks is the program as the rules are asked about it: without an id where those of a hook are not told apart.
func (t target) walks() Program {
	if t.scope == profile.ScopeHook {
		return Program{Hook: t.program.Hook}
	}
	return t.program
}

// variant is what fits a target: a pair of programs of bpf/probe.bpf.c, or of bpf/trace.bpf.c, and the one that takes stacks.
type variant struct {
	enter, exit string
	quick       bool // the pair has all cells in one map value

	traceEnter, traceExit, stack string
}

// variant is the one for any mode.
func (t target) variant() (variant, error) {
	switch {
	case t.scope == profile.ScopeProgram && t.program.Sleepable:
		return variant{
			bpf.ProbeProgProbeEnterSleepable, bpf.ProbeProgProbeExitSleepable, false,
			bpf.TraceProgTraceEnterSleepable, bpf.TraceProgTraceExitSleepable, bpf.TraceProgStackSample,
		}, nil
	case t.scope == profile.ScopeProgram:
		return variant{
			bpf.ProbeProgProbeEnter, bpf.ProbeProgProbeExit, false,
			bpf.TraceProgTraceEnter, bpf.TraceProgTraceExit, bpf.TraceProgStackSample,
		}, nil
	case t.program.Sleepable:
		// A start cannot be kept with the task: task storage for tracing programs came with 5.11.
		return variant{}, fmt.Errorf("sleepable programs need Linux 5.18: %w", ErrUnsupported)
	}
	return variant{
		bpf.ProbeProgProbeEnterLegacy, bpf.ProbeProgProbeExitLegacy, false,
		bpf.TraceProgTraceEnterLegacy, bpf.TraceProgTraceExitLegacy, bpf.TraceProgStackSampleLegacy,
	}, nil
}

// largestValue is what most kernels let a map value have (KMALLOC_MAX_SIZE): room for the cells of all CPUs, of quick probes.
const largestValue = 4 << 20

// quickCells is their number: a power of two.
func (l *loader) quickCells() int { return l.cells << bits.Len(uint(l.cpus-1)) }
func (l *loader) quickFits() bool { return l.quickCells()*cellSize <= largestValue }

// variant is the target's, with the pair that is made for this loader's mode where there is one.
func (l *loader) variant(t target) (variant, error) {
	v, err := t.variant()
	if err != nil || t.scope != profile.ScopeProgram || t.program.Sleepable {
		return v, err
	}
	switch {
	case l.mode == 0 && l.quickFits():
		v.enter, v.exit, v.quick = bpf.ProbeProgProbeEnterQuick, bpf.ProbeProgProbeExitQuick, true
	case l.mode == bpf.ProbeModeMODE_PREEMPTIBLE && l.quickFits():
		v.enter, v.exit, v.quick = bpf.ProbeProgProbeEnterQuickPreemptible, bpf.ProbeProgProbeExitQuickPreemptible, true
	case l.mode == bpf.ProbeModeMODE_MNTNS:
		v.enter = bpf.ProbeProgProbeEnterMntns
	case l.mode == bpf.ProbeModeMODE_MNTNS|bpf.ProbeModeMODE_PREEMPTIBLE:
		v.enter = bpf.ProbeProgProbeEnterMntnsPreemptible
	}
	return v, nil
}

// loader loads pairs of probes that share a control map.
type loader struct {
	spec    *ebpf.CollectionSpec
	control *control
	mode    bpf.ProbeMode
	cells   int // per CPU and target, a power of two
	cpus    int
	stream  *stream // nil: invocations are counted, and that is all
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

func (l *loader) Close() error {
	if l.stream == nil {
		return l.control.Close()
	}
	return errors.Join(l.control.Close(), l.stream.Close())
}

// probe is an attached pair.
type probe struct {
	target target
	enter  link.Link
	exit   link.Link
	stack  link.Link // nil: no stacks are taken
	origin uint32    // what events of it are told by
	about  subject   // of events
	void   bool      // the hook returns nothing
	// exitProg counts the invocations that the kernel kept from it (recursion_misses).
	exitProg *ebpf.Program
	cells    *cells // nil: its invocations go through the stream
}

// attach puts a pair of probes on t. It is safe to call from several goroutines.
func (l *loader) attach(t target) (p *probe, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("attach %s: %w", t, explainLoad(err))
		}
	}()
	q := &probe{target: t}
	p = q
	defer func() {
		if err != nil {
			q.Close()
			p = nil
		}
	}()
	if l.stream == nil || l.stream.counted {
		if err := l.attachCounting(p); err != nil {
			return nil, err
		}
	}
	if l.stream != nil {
		return p, l.attachStream(p)
	}
	return p, nil
}

// pair is what load keeps of two programs, and cells of those that count. The library would map the variables as well, and unmap them
// when the garbage collector comes by: the maps would stay in the kernel until then.
type pair struct {
	Enter *ebpf.Program `ebpf:"enter"`
	Exit  *ebpf.Program `ebpf:"exit"`
}

// LAST_QUICK_CELL_OF_CPU and LAST_QUICK_CELL of bpf/cells.h.
const (
	lastQuickCellOfCPU = 0x7ce11a55
	lastQuickCell      = 0x7ce11a57
)

const quickMap = ".data.cells"

// attachCounting puts the pair of bpf/probe.bpf.c on the target of p.
func (l *loader) attachCounting(p *probe) error {
	v, err := l.variant(p.target)
	if err != nil {
		return err
	}
	spec := choose(l.spec, map[string]string{"enter": v.enter, "exit": v.exit})
	constants := map[string]any{bpf.ProbeVarSlots: l.slots(), bpf.ProbeVarBucketOf: bucketTable()}
	var programs pair
	var counters *ebpf.Map
	if v.quick {
		var objs struct {
			pair
			Cells *ebpf.Map `ebpf:".data.cells"`
		}
		l.placeQuickCells(spec)
		err = l.load(p.target, spec, constants, nil, &objs)
		programs, counters = objs.pair, objs.Cells
	} else {
		var objs struct {
			pair
			Cells *ebpf.Map `ebpf:"cells"`
		}
		spec.Maps[bpf.ProbeMapCells].MaxEntries = uint32(l.cpus * l.cells)
		err = l.load(p.target, spec, constants, nil, &objs)
		programs, counters = objs.pair, objs.Cells
	}
	if err != nil {
		return err
	}
	p.cells, err = newCells(counters, l.cpus, l.cells)
	return errors.Join(p.attachPair(programs), err)
}

// placeQuickCells gives the map value that has all cells its size, and the programs the two numbers that follow from it.
func (l *loader) placeQuickCells(spec *ebpf.CollectionSpec) {
	quick := spec.Maps[quickMap]
	quick.Key, quick.Value = nil, nil // they describe one cell
	quick.ValueSize = uint32(l.quickCells() * cellSize)
	quick.Contents = nil
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
}

// attachPair takes over the programs. The exit first: with the entry first, an invocation in between would leave a start behind.
func (p *probe) attachPair(objs pair) (err error) {
	defer objs.Enter.Close() // its link stays
	p.exitProg = objs.Exit
	if p.exit, err = link.AttachTracing(link.TracingOptions{Program: objs.Exit}); err != nil {
		return err
	}
	p.enter, err = link.AttachTracing(link.TracingOptions{Program: objs.Enter})
	return err
}

// choose is a copy of an object with some of its programs, under names of their parts.
func choose(spec *ebpf.CollectionSpec, parts map[string]string) *ebpf.CollectionSpec {
	spec = spec.Copy()
	programs := map[string]*ebpf.ProgramSpec{}
	for part, name := range parts {
		programs[part] = spec.Programs[name]
	}
	spec.Programs = programs
	return spec
}

// load loads the programs of spec for a target, with the constants and the shared maps that they are to have, into objs.
func (l *loader) load(t target, spec *ebpf.CollectionSpec, constants map[string]any, shared map[string]*ebpf.Map, objs any) error {
	if !t.program.Sleepable {
		delete(spec.Maps, bpf.ProbeMapTaskSlots)
	}
	var arguments uint8
	if t.scope == profile.ScopeHook {
		var err error
		if arguments, err = hookArguments(t.program.Hook); err != nil {
			return err
		}
	} else {
		prog, err := ebpf.NewProgramFromID(t.program.ID)
		if errors.Is(err, os.ErrNotExist) {
			return errGone
		}
		if err != nil {
			return fmt.Errorf("open program %d: %w", t.program.ID, err)
		}
		defer prog.Close()
		for _, p := range spec.Programs {
			p.AttachTarget = prog
		}
	}
	for _, p := range spec.Programs {
		p.AttachTo = t.String()
	}
	maps.Copy(constants, map[string]any{bpf.ProbeVarArguments: arguments, bpf.ProbeVarModeOfAll: uint32(l.mode)})
	for name, value := range constants {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	replacements := map[string]*ebpf.Map{controlMap: l.control.m}
	maps.Copy(replacements, shared)
	return spec.LoadAndAssign(objs, &ebpf.CollectionOptions{MapReplacements: replacements, Cache: kernelTypes})
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

// hookPrototype is the prototype of a hook's function.
func hookPrototype(hook string) (*btf.FuncProto, error) {
	kernel, err := kernelTypes.Kernel()
	if err != nil {
		return nil, fmt.Errorf("read the kernel's BTF: %w", err)
	}
	var fn *btf.Func
	if err := kernel.TypeByName(HookPrefix+hook, &fn); err != nil {
		return nil, fmt.Errorf("find %s in the kernel's BTF: %w", HookPrefix+hook, err)
	}
	proto, ok := fn.Type.(*btf.FuncProto)
	if !ok {
		return nil, fmt.Errorf("%s has no prototype in the kernel's BTF", HookPrefix+hook)
	}
	return proto, nil
}

// hookArguments is the number of arguments of a hook, behind which a tracing program finds the return value.
func hookArguments(hook string) (uint8, error) {
	proto, err := hookPrototype(hook)
	if err != nil {
		return 0, err
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
	for _, l := range []link.Link{p.stack, p.enter, p.exit} {
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
