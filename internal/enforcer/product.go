package enforcer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

// All are the products that lsmprof knows, in the order they are asked whether a program is theirs.
func All() []Product {
	return []Product{VArmor, KubeArmor, Tetragon, Systemd, BPFLock, Reference}
}

// Product is an enforcer.
type Product struct {
	Name     string
	programs []string // by full BTF name
	// uses are beginnings of map names of which a program must use one, where its own name says too little. Nil: it says enough.
	uses []string
	open func([]Program) (Reader, error)
}

// Owns says whether a program is the product's.
func (p Product) Owns(program Program) bool {
	if !slices.Contains(p.programs, program.Name) {
		return false
	}
	return len(p.uses) == 0 || slices.ContainsFunc(mapNames(program.Maps), func(name string) bool {
		return slices.ContainsFunc(p.uses, func(begin string) bool { return strings.HasPrefix(name, begin) })
	})
}

// Open opens the maps in which the rules stand, given the product's programs.
func (p Product) Open(programs []Program) (Reader, error) {
	r, err := p.open(programs)
	if err != nil {
		return nil, fmt.Errorf("rules of %s: %w", p.Name, err)
	}
	return r, nil
}

// mapNames are the names of maps, as far as they are still there. The kernel keeps 15 characters of them.
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
