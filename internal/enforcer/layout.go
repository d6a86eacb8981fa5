package enforcer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// Kinds of rules that are in maps of maps.
const (
	file = iota
	exec
	net
	mount
	numOuter
)

// layout names the maps in which a product like vArmor keeps its rules. Each has mount namespaces as keys. Maps of maps
// have inner maps with the keys 0..N-1. Names have at most 15 characters, because the kernel stores no more.
type layout struct {
	version string // of the product: "v0.9 to v0.10"
	mode    string // namespace -> u32, where 1 enforces; "": a namespace is confined if it has a rule
	outer   [numOuter]outerLayout
	caps    valueLayout // namespace -> a set of capabilities, in the last 8 bytes
	ptrace  valueLayout // namespace -> a rule
	decode  decoders
}

type outerLayout struct {
	name string
	rule sizes // of a rule, in bytes; other versions have other sizes
}

type valueLayout struct {
	name  string
	value uint32
}

type sizes []uint32

// openMaps holds the maps of one layout. A map that no program uses is nil.
type openMaps struct {
	layout
	mode, caps, ptrace *ebpf.Map
	outer              [numOuter]*ebpf.Map
}

// openLayouts returns a function that opens the maps of the first layout that they fit.
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

// fits reports whether maps have this layout. It does not look at rules, of which there may be none.
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
	var all []error
	for _, open := range append(m.outer[:], m.mode, m.caps, m.ptrace) {
		if open != nil {
			all = append(all, open.Close())
		}
	}
	return errors.Join(all...)
}

func (s sizes) has(n uint32) bool { return slices.Contains(s, n) }
