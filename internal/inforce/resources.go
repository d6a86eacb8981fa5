package inforce

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// Resources are what enforcers take of the machine besides time.
type Resources struct {
	Programs  map[ebpf.ProgramID]ProgramResources // attached ones that can be opened
	Enforcers map[string]uint64                   // bytes of an enforcer's maps, each counted once
	// Trampoline programs on a hook, of any product; lsm.TrampolineLimit fit. Empty before Linux 5.13, whose
	// links do not say what they are attached to.
	Slots map[string]int
}

// ProgramResources are those of one program.
type ProgramResources struct {
	Tag      string // hash of its instructions: equal programs have equal tags
	MapBytes uint64 // of the maps that it uses, and of the maps in them
}

// Resources looks up what the enforcers of a reading take. Arrays, which are most of the maps on a large node, keep
// their size: they are measured once. Programs and maps that are gone or refuse to be opened are
// left out. The error says why links could not be listed.
//
// The kernel accounts for a map by its largest size until Linux 6.4, and by what it takes now from then on
// (90a5527d7686).
func (r *Registry) Resources(of Reading) (Resources, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Resources{
		Programs: map[ebpf.ProgramID]ProgramResources{}, Enforcers: map[string]uint64{},
		Slots: map[string]int{},
	}
	trampolines, functions, err := lsm.Trampolines()
	if err != nil {
		return out, fmt.Errorf("count trampoline programs: %w", err)
	}
	sizes, arrays := map[ebpf.MapID]mapSize{}, r.arrays
	r.arrays = map[ebpf.MapID]mapSize{}
	measure := func(id ebpf.MapID) mapSize {
		if size, ok := arrays[id]; ok {
			return size
		}
		size, _ := measureMap(id) // what is gone takes nothing
		return size
	}
	for _, e := range of.Enforcers {
		counted := map[ebpf.MapID]bool{}
		for _, p := range e.Programs {
			for _, l := range p.Links {
				if f, ok := functions[l]; ok {
					out.Slots[p.Hook] = trampolines[f]
				}
			}
			tag, err := tagOf(p.ID)
			if err != nil {
				continue
			}
			own := map[ebpf.MapID]bool{}
			for _, id := range p.Maps {
				addMap(sizes, own, id, measure)
			}
			res := ProgramResources{Tag: tag}
			for id := range own {
				res.MapBytes += sizes[id].bytes
				if !counted[id] {
					counted[id] = true
					out.Enforcers[e.Name] += sizes[id].bytes
				}
			}
			out.Programs[p.ID] = res
		}
	}
	for id, size := range sizes {
		if size.fixed {
			r.arrays[id] = size
		}
	}
	return out, nil
}

func tagOf(id ebpf.ProgramID) (string, error) {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return "", err
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return "", err
	}
	return info.Tag, nil
}

// mapSize is a map's own memory, and the maps in it.
type mapSize struct {
	bytes uint64
	fixed bool // it never changes
	inner []ebpf.MapID
}

// addMap adds a map, and those in it, to a set. It measures the ones that are not in sizes yet.
func addMap(sizes map[ebpf.MapID]mapSize, set map[ebpf.MapID]bool, id ebpf.MapID, measure func(ebpf.MapID) mapSize) {
	if set[id] {
		return
	}
	size, ok := sizes[id]
	if !ok {
		size = measure(id)
		sizes[id] = size
	}
	set[id] = true
	for _, inner := range size.inner {
		addMap(sizes, set, inner, measure)
	}
}

func measureMap(id ebpf.MapID) (size mapSize, err error) {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return size, err
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		return size, err
	}
	size.bytes, _ = info.Memlock()
	size.fixed = m.Type() == ebpf.Array
	if t := m.Type(); t != ebpf.HashOfMaps && t != ebpf.ArrayOfMaps {
		return size, nil
	}
	// A key at a time would take seconds on a large node: before Linux 6.8, each lookup waits for a grace period.
	if size.inner, err = enforcer.InnerMaps(m); err != nil && !errors.Is(err, ebpf.ErrIterationAborted) {
		return size, err
	}
	return size, nil
}
