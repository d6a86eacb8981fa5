package enforcer

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// namedMaps are maps of a product, by the name that the kernel keeps of them.
type namedMaps map[string]*ebpf.Map

// nameLimit is how much of a map's name the kernel keeps.
const nameLimit = 15

// openNamed opens those of the maps that programs use that have one of the names and, unless that is 0, keys of such a size. Names alone do
// not do: another instance may have left maps of the same name, and the kernel cuts different names to the same.
func openNamed(programs []tracer.Program, names []string, keySize uint32) (found namedMaps, err error) {
	found = namedMaps{}
	defer func() {
		if err != nil {
			found.Close()
		}
	}()
	seen := map[ebpf.MapID]bool{}
	for _, p := range programs {
		for _, id := range p.Maps {
			if seen[id] {
				continue
			}
			seen[id] = true
			if err := found.open(id, names, keySize); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func (n namedMaps) open(id ebpf.MapID, names []string, keySize uint32) error {
	m, err := ebpf.NewMapFromID(id)
	if errors.Is(err, os.ErrNotExist) {
		return nil // its program is going away
	}
	if err != nil {
		return fmt.Errorf("open map %d: %w", id, err)
	}
	info, err := m.Info()
	switch {
	case err != nil:
		m.Close()
		return fmt.Errorf("describe map %d: %w", id, err)
	case !slices.Contains(names, info.Name), keySize != 0 && info.KeySize != keySize:
		return m.Close()
	case n[info.Name] != nil:
		m.Close()
		return fmt.Errorf("two maps %s: two instances run at once, and whose rules are meant cannot be told", info.Name)
	}
	n[info.Name] = m
	return nil
}

// usedBy is the name of a map that a program uses; empty: it uses none of them.
func (n namedMaps) usedBy(p tracer.Program) string {
	for name, m := range n {
		if info, err := m.Info(); err == nil {
			if id, ok := info.ID(); ok && slices.Contains(p.Maps, id) {
				return name
			}
		}
	}
	return ""
}

// only are those of some names.
func (n namedMaps) only(names []string) namedMaps {
	some := namedMaps{}
	for _, name := range names {
		if n[name] != nil {
			some[name] = n[name]
		}
	}
	return some
}

// String is what a message says of maps of no known layout.
func (n namedMaps) String() string {
	if len(n) == 0 {
		return "none of the maps is there"
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(n)) {
		all = append(all, fmt.Sprintf("%s (%d -> %d B)", name, n[name].KeySize(), n[name].ValueSize()))
	}
	return "maps " + strings.Join(all, ", ")
}

// Close closes the maps.
func (n namedMaps) Close() error {
	var all error
	for _, m := range n {
		if m != nil {
			all = errors.Join(all, m.Close())
		}
	}
	return all
}
