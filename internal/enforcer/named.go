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

// namedMaps holds maps by the name that the kernel stores.
type namedMaps map[string]*ebpf.Map

// nameLimit is the number of characters that the kernel stores of the name of a map or program.
const nameLimit = 15

// openNamed opens the maps with one of the names, among those that the programs use. If keySize is not 0, only maps
// with keys of this size count. A name alone is not enough: another instance may have left maps of the same name, and
// two names may have the same first 15 characters.
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
		return nil // its program was unloaded meanwhile
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
		return fmt.Errorf("two maps are named %s: two instances run at once. Stop one", info.Name)
	}
	n[info.Name] = m
	return nil
}

// usedBy returns the name of a map that a program uses, "" if it uses none.
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

// only returns the maps with these names.
func (n namedMaps) only(names []string) namedMaps {
	some := namedMaps{}
	for _, name := range names {
		if n[name] != nil {
			some[name] = n[name]
		}
	}
	return some
}

// String describes the maps by name and size, for errors about an unknown layout.
func (n namedMaps) String() string {
	if len(n) == 0 {
		return "none of the maps exists"
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
