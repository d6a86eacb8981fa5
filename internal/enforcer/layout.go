package enforcer

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
)

// The kinds of rules that are kept in maps of maps.
const (
	file = iota
	exec
	net
	mount
	numOuter
)

// layout is where a product keeps its rules, by map name. Names have at most 15 characters, as the kernel keeps no more.
type layout struct {
	version string // of the product, for messages
	mode    string // namespace -> u32: 1 enforces
	outer   [numOuter]outerLayout
	caps    string // namespace -> 16 B, a set of capabilities in the upper 8
	ptrace  string // namespace -> a rule
}

type outerLayout struct {
	name string
	rule uint32 // bytes of a rule: other sizes are of other versions
}

// openMaps are the maps of one layout. One is nil where none of the programs uses it.
type openMaps struct {
	mode, caps, ptrace *ebpf.Map
	outer              [numOuter]*ebpf.Map
}

// open finds the maps among those that the product's programs use. Names alone do not do: another instance may have left maps of
// the same name.
func (l layout) open(ids []ebpf.MapID) (m *openMaps, err error) {
	m = &openMaps{}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	seen := map[ebpf.MapID]bool{}
	for _, id := range ids {
		if seen[id] {
			continue
		}
		seen[id] = true
		if err := l.take(m, id); err != nil {
			return m, err
		}
	}
	if m.mode == nil {
		return m, fmt.Errorf("no map %s: not the layout %s", l.mode, l.version)
	}
	return m, nil
}

func (l layout) take(m *openMaps, id ebpf.MapID) error {
	handle, err := ebpf.NewMapFromID(id)
	if errors.Is(err, os.ErrNotExist) {
		return nil // its program is going away
	}
	if err != nil {
		return fmt.Errorf("open map %d: %w", id, err)
	}
	info, err := handle.Info()
	if err != nil {
		handle.Close()
		return fmt.Errorf("describe map %d: %w", id, err)
	}
	field, size := l.field(m, info.Name)
	switch {
	case field == nil:
		return handle.Close()
	case *field != nil:
		handle.Close()
		return fmt.Errorf("two maps %s: two instances run at once, and whose rules are meant cannot be told", info.Name)
	case handle.KeySize() != 4 || size != 0 && handle.ValueSize() != size:
		handle.Close()
		return fmt.Errorf("map %s has keys of %d and values of %d bytes: not the layout %s", info.Name, info.KeySize, info.ValueSize,
			l.version)
	}
	*field = handle
	return nil
}

// field is where a map of that name belongs, and the size of its values where that is fixed.
func (l layout) field(m *openMaps, name string) (**ebpf.Map, uint32) {
	switch name {
	case l.mode:
		return &m.mode, 4
	case l.caps:
		return &m.caps, 16
	case l.ptrace:
		return &m.ptrace, 0
	}
	for i, o := range l.outer {
		if name == o.name {
			return &m.outer[i], 4
		}
	}
	return nil, 0
}

// Close closes the maps.
func (m *openMaps) Close() error {
	var all error
	for _, h := range append(m.outer[:], m.mode, m.caps, m.ptrace) {
		if h != nil {
			all = errors.Join(all, h.Close())
		}
	}
	return all
}
