package tracer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

// loader loads pairs of probes that share a control map.
type loader struct {
	spec    *ebpf.CollectionSpec
	control *control
	mode    bpf.ProbeMode
	// of the memory, for the counters of each target that is attached from now on, in bytes
	share   int
	cpus    int                  // that are possible
	online  []int                // at the start
	fits    func(bytes int) bool // whether the kernel takes map values of a size
	command *commandTree         // nil: the filter selects no command
}

func newLoader(f Filter, m machine, sample int) (*loader, error) {
	spec, err := bpf.LoadProbe()
	if err != nil {
		return nil, fmt.Errorf("read probe object: %w", err)
	}
	if slots := int(spec.Variables[bpf.ProbeVarSlots].Size()) / slotSize; m.cpus > slots {
		return nil, fmt.Errorf("%d possible CPUs, but the probes support %d: %w", m.cpus, slots, ErrUnsupported)
	}
	mode := f.mode()
	if sample > 1 {
		mode |= bpf.ProbeModeMODE_SAMPLE
	}
	if m.preemptible {
		mode |= bpf.ProbeModeMODE_PREEMPTIBLE
	}
	c, err := newControl(spec, f, sample)
	if err != nil {
		return nil, err
	}
	l := &loader{spec: spec, control: c, mode: mode, cpus: m.cpus, online: m.online, fits: valueFits(m)}
	if f.Command {
		if l.command, err = newCommandTree(c); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

func (l *loader) Close() error {
	err := l.control.Close()
	if l.command != nil {
		err = errors.Join(err, l.command.Close())
	}
	return err
}

// withPrograms returns a copy of an object with only some of its programs. The keys of parts are their new names.
func withPrograms(spec *ebpf.CollectionSpec, parts map[string]string) *ebpf.CollectionSpec {
	spec = spec.Copy()
	programs := map[string]*ebpf.ProgramSpec{}
	for part, name := range parts {
		programs[part] = spec.Programs[name]
	}
	spec.Programs = programs
	return spec
}

// load loads the programs of spec for a target into objs, with their constants and the maps that they share.
func (l *loader) load(
	t target, spec *ebpf.CollectionSpec, constants map[string]any, shared map[string]*ebpf.Map, objs any,
) error {
	if !t.program.Sleepable {
		delete(spec.Maps, bpf.ProbeMapTaskSlots)
	}
	var arguments uint8
	mode := l.mode
	if t.scope == profile.ScopeFunction {
		// Unlike a program, the function may give up the CPU on any kernel.
		mode |= bpf.ProbeModeMODE_FUNCTION | bpf.ProbeModeMODE_PREEMPTIBLE
	}
	if t.scope != profile.ScopeProgram {
		var err error
		if arguments, err = t.arguments(); err != nil {
			return err
		}
	} else {
		prog, err := openTarget(t.program.ID)
		if err != nil {
			return err
		}
		defer prog.Close()
		for _, p := range spec.Programs {
			p.AttachTarget = prog
		}
	}
	for _, p := range spec.Programs {
		p.AttachTo = cmp.Or(t.subprogram, t.String())
	}
	maps.Copy(constants, map[string]any{bpf.ProbeVarArguments: arguments, bpf.ProbeVarModeOfAll: uint32(mode)})
	for name, value := range constants {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	replacements := map[string]*ebpf.Map{controlMap: l.control.m}
	maps.Copy(replacements, shared)
	return spec.LoadAndAssign(objs, &ebpf.CollectionOptions{MapReplacements: replacements, Cache: kernelTypes})
}

// openTarget opens an LSM program as the target of tracing programs.
func openTarget(id ebpf.ProgramID) (*ebpf.Program, error) {
	if err := refuseCrash(); err != nil {
		return nil, err
	}
	prog, err := ebpf.NewProgramFromID(id)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("open program %d: %w", id, err)
	}
	return prog, nil
}

// slots returns the slot of each CPU, which says where its front is.
func (l *loader) slots(where layout) []bpf.ProbeSlot {
	slots := make([]bpf.ProbeSlot, int(l.spec.Variables[bpf.ProbeVarSlots].Size())/slotSize)
	where.fill(slots)
	for cpu := range l.cpus {
		slots[cpu].Random = rand.Uint32() | 1 // xorshift stays at 0
	}
	return slots
}
