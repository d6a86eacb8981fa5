package enforcer

import (
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// All returns the products that lsmprof knows. A program belongs to the first of them that owns it.
func All() []Product {
	return []Product{VArmor, KubeArmor, Tetragon, Systemd, BPFLock, Reference}
}

// Product describes one product. Its zero value owns no program. Names of programs are full BTF names; a * at the end
// of a name matches any rest.
type Product struct {
	Name     string
	programs []string
	// uses holds beginnings of map names. If it is not empty, other products may have programs of the same names: a
	// program belongs to the product if it uses such a map, or if its name is one of distinct.
	uses, distinct []string
	// constant holds the names of programs that walk no rules.
	constant []string
	open     func([]tracer.Program) (Reader, error)
	// ruleFunctions are functions of programs that look at one rule of a hash map and have its index as their first
	// argument; untimed says why a program has none of them.
	ruleFunctions []string
	untimed       string
}

// Owns reports whether a program belongs to the product.
func (p Product) Owns(program tracer.Program) bool {
	switch {
	case !matches(p.programs, program):
		return false
	case len(p.uses) == 0 || matches(p.distinct, program):
		return true
	}
	return slices.ContainsFunc(mapNames(program.Maps), func(name string) bool {
		return slices.ContainsFunc(p.uses, func(begin string) bool { return strings.HasPrefix(name, begin) })
	})
}

// matches reports whether a program has one of the names. A program whose BTF cannot be read has only the first 15
// characters of its name.
func matches(names []string, program tracer.Program) bool {
	cut := !program.HasBTF && len(program.Name) == nameLimit
	return slices.ContainsFunc(names, func(name string) bool {
		begin, any := strings.CutSuffix(name, "*")
		return program.Name == name || any && strings.HasPrefix(program.Name, begin) ||
			cut && strings.HasPrefix(begin, program.Name)
	})
}

// Open opens the maps that hold the rules of the product's programs. The caller closes the reader.
func (p Product) Open(programs []tracer.Program) (Reader, error) {
	walking := slices.DeleteFunc(slices.Clone(programs), func(program tracer.Program) bool {
		return matches(p.constant, program)
	})
	if len(walking) == 0 {
		return noRules{}, nil
	}
	r, err := p.open(walking)
	if err != nil || len(walking) == len(programs) {
		return r, err
	}
	set := programSet(walking)
	return constantReader{r, &set}, nil
}

// noRules reads the rules of programs that walk none.
type noRules struct{}

// Read returns no policy: every program walks 0 rules.
func (noRules) Read() (Policies, error) { return nil, nil }

// Close has nothing to close.
func (noRules) Close() error { return nil }

// constantReader reads the rules of a product some of whose programs walk none.
type constantReader struct {
	Reader
	walking *programSet
}

// Read returns policies under which only the walking programs walk rules.
func (r constantReader) Read() (Policies, error) {
	policies, err := r.Reader.Read()
	policies = maps.Clone(policies) // the reader may return them again
	for workload, policy := range policies {
		policy.walking = r.walking
		policies[workload] = policy
	}
	return policies, err
}

// Layout returns the versions of the product whose maps are laid out like those that the reader found.
func (r constantReader) Layout() string { return Layout(r.Reader) }

// Layout returns the versions of a product whose maps are laid out like those that a reader found, such as "v0.9 to
// v0.10". It is "" if the layout does not depend on the version.
func Layout(r Reader) string {
	if l, ok := r.(interface{ Layout() string }); ok {
		return l.Layout()
	}
	return ""
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
