package enforcer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// The kinds of rules that are kept in maps of maps.
const (
	file = iota
	exec
	net
	mount
	numOuter
)

// layout is where a product of vArmor's kind keeps its rules, by map name: by mount namespace, in maps of maps whose inner maps have the
// keys 0..N-1. Names have at most 15 characters, as the kernel keeps no more.
type layout struct {
	version string // of the product, for messages
	mode    string // namespace -> u32: 1 enforces. Empty: there is no such map, who has a rule is confined
	outer   [numOuter]outerLayout
	caps    valueLayout // namespace -> a set of capabilities in the last 8 bytes
	ptrace  valueLayout // namespace -> a rule
}

type outerLayout struct {
	name string
	rule sizes // bytes of a rule: other sizes are of other versions
}

type valueLayout struct {
	name  string
	value uint32
}

type sizes []uint32

// openMaps are the maps of one layout. One is nil where none of the programs uses it.
type openMaps struct {
	layout
	mode, caps, ptrace *ebpf.Map
	outer              [numOuter]*ebpf.Map
}

// openLayouts opens the rules in the layout that the maps have.
func openLayouts(layouts ...layout) func([]tracer.Program) (Reader, error) {
	return func(programs []tracer.Program) (Reader, error) {
		var names []string
		for _, l := range layouts {
			names = append(names, l.names()...)
		}
		found, err := openNamed(programs, names, 0)
		if err != nil {
			return nil, err
		}
		var versions []string
		for _, l := range layouts {
			if l.fits(found) {
				return newReader(l.take(found)), nil
			}
			versions = append(versions, l.version)
		}
		err = fmt.Errorf("%s: not the layout of %s", found, strings.Join(versions, ", nor "))
		return nil, errors.Join(err, found.Close())
	}
}

func (l layout) names() []string {
	all := []string{l.caps.name, l.ptrace.name}
	if l.mode != "" {
		all = append(all, l.mode)
	}
	for _, o := range l.outer {
		all = append(all, o.name)
	}
	return all
}

// fits says whether maps are of this layout, as far as can be told before a rule is there.
func (l layout) fits(found namedMaps) bool {
	value := map[string]uint32{l.caps.name: l.caps.value, l.ptrace.name: l.ptrace.value}
	for _, o := range l.outer {
		value[o.name] = 4
	}
	if l.mode != "" {
		value[l.mode] = 4
		if found[l.mode] == nil {
			return false
		}
	}
	for name, m := range found {
		if size, known := value[name]; !known || m.KeySize() != 4 || m.ValueSize() != size {
			return false
		}
	}
	return len(found) > 0
}

func (l layout) take(found namedMaps) *openMaps {
	m := &openMaps{layout: l, mode: found[l.mode], caps: found[l.caps.name], ptrace: found[l.ptrace.name]}
	for i, o := range l.outer {
		m.outer[i] = found[o.name]
	}
	return m
}

// Close closes the maps.
func (m *openMaps) Close() error {
	return namedMaps{"mode": m.mode, "caps": m.caps, "ptrace": m.ptrace, "0": m.outer[0], "1": m.outer[1], "2": m.outer[2], "3": m.outer[3]}.Close()
}

func (s sizes) has(n uint32) bool { return slices.Contains(s, n) }
