package enforcer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// All returns the products that lsmprof knows. A program belongs to the first of them that owns it.
func All() []Product {
	return []Product{VArmor, KubeArmor, Tetragon, Systemd, BPFLock, Reference}
}

// Product describes one product. Its zero value owns no program.
type Product struct {
	Name     string
	programs []string // full BTF names
	// uses holds beginnings of map names. If it is not empty, a program belongs to the product only if it uses a map
	// of such a name, because other products have programs of the same names.
	uses []string
	open func([]tracer.Program) (Reader, error)
}

// Owns reports whether a program belongs to the product.
func (p Product) Owns(program tracer.Program) bool {
	if !slices.Contains(p.programs, program.Name) {
		return false
	}
	return len(p.uses) == 0 || slices.ContainsFunc(mapNames(program.Maps), func(name string) bool {
		return slices.ContainsFunc(p.uses, func(begin string) bool { return strings.HasPrefix(name, begin) })
	})
}

// Open opens the maps that hold the rules of the product's programs. The caller closes the reader.
func (p Product) Open(programs []tracer.Program) (Reader, error) {
	r, err := p.open(programs)
	if err != nil {
		return nil, fmt.Errorf("rules of %s: %w", p.Name, err)
	}
	return r, nil
}

// mapNames returns the names of the maps that still exist. The kernel stores 15 characters of a name.
func mapNames(ids []ebpf.MapID) []string {
	var names []string
	for _, id := range ids {
		if m, err := ebpf.NewMapFromID(id); err == nil {
			if info, err := m.Info(); err == nil {
				names = append(names, info.Name)
			}
			m.Close()
		}
	}
	return names
}
