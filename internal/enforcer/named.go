package enforcer

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

// namedMaps are maps of a product, by the name that the kernel keeps of them.
type namedMaps map[string]*ebpf.Map

// nameLimit is how much of a map's name the kernel keeps.
const nameLimit = 15

// openNamed opens those of the maps that programs use that have one of the names. Names alone do not do: another instance may have left
// maps of the same name.
func openNamed(programs []Program, names []string) (found namedMaps, err error) {
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
			if err := found.open(id, names); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

func (n namedMaps) open(id ebpf.MapID, names []string) error {
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
	case !slices.Contains(names, info.Name):
		return m.Close()
	case n[info.Name] != nil:
		m.Close()
		return fmt.Errorf("two maps %s: two instances run at once, and whose rules are meant cannot be told", info.Name)
	}
	n[info.Name] = m
	return nil
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
