package enforcer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/tracer"
)

// RuleSource says where the rules of a product stand that lsmprof does not know.
type RuleSource struct {
	Map    string // entries of this map are rules; empty: the number is given
	Prefix []byte // only those whose key begins with it
	Number int
}

// ParseRulesMap reads NAME[:KEY-PREFIX], where the prefix is text, or bytes as 0x….
func ParseRulesMap(s string) (RuleSource, error) {
	name, prefix, _ := strings.Cut(s, ":")
	if name == "" || len(name) > 2*nameLimit || strings.ContainsAny(name, " /") {
		return RuleSource{}, fmt.Errorf("%q: not NAME[:KEY-PREFIX]; lsmprof list -o json and bpftool map show names", s)
	}
	source := RuleSource{Map: name, Prefix: []byte(prefix)}
	if digits, ok := strings.CutPrefix(prefix, "0x"); ok {
		raw, err := hex.DecodeString(digits)
		if err != nil {
			return RuleSource{}, fmt.Errorf("key prefix %s: %w; write two digits for each byte", prefix, err)
		}
		source.Prefix = raw
	}
	return source, nil
}

// Open opens the rules of programs that no product owns.
func (s RuleSource) Open(programs []tracer.Program) (Reader, error) {
	if s.Map == "" {
		return fixed(s.Number), nil
	}
	name := s.Map[:min(nameLimit, len(s.Map))]
	found, err := openNamed(programs, []string{name}, 0)
	if err != nil {
		return nil, err
	}
	m := found[name]
	if m == nil {
		return nil, fmt.Errorf("no program uses a map %s", s.Map)
	}
	switch m.Type() {
	case ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.HashOfMaps:
		return &genericReader{s, m}, nil
	}
	return nil, errors.Join(fmt.Errorf("map %s is a %s: only entries of hashes and of hashes of maps can be counted", s.Map, m.Type()), m.Close())
}

// fixed is a number of rules that the user knows.
type fixed int

// Read returns it for every workload.
func (n fixed) Read() (Policies, error) {
	return Policies{tracer.AllWorkloads: uniform(int(n), "fixed")}, nil
}

// Close has nothing to close.
func (fixed) Close() error { return nil }

// uniform is a policy under which every program walks n rules.
func uniform(n int, generation string) Policy {
	return Policy{Rules: Rules{Other: n}, Generation: generation, uniform: true}
}

type genericReader struct {
	RuleSource
	m *ebpf.Map
}

// Read counts the entries; in a map of maps, those of the inner maps.
func (r *genericReader) Read() (Policies, error) {
	var all []entry
	var err error
	if r.m.Type() == ebpf.HashOfMaps {
		all, err = r.inner()
	} else {
		all, err = r.keys(r.m, r.Prefix)
	}
	if err != nil {
		return nil, fmt.Errorf("count the entries of %s: %w", r.Map, err)
	}
	return Policies{tracer.AllWorkloads: uniform(len(all), digest(all))}, nil
}

func (r *genericReader) keys(m *ebpf.Map, prefix []byte) (all []entry, err error) {
	raw, err := rawKeys(m)
	for _, k := range raw {
		if bytes.HasPrefix(k, prefix) {
			all = append(all, entry{key: k})
		}
	}
	return all, err
}

func (r *genericReader) inner() (all []entry, err error) {
	outer, err := r.keys(r.m, r.Prefix)
	if err != nil {
		return nil, err
	}
	for _, o := range outer {
		var id uint32
		err := r.m.Lookup(o.key, &id)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			continue // replaced meanwhile: the next reading has it
		}
		if err != nil {
			return nil, err
		}
		m, err := ebpf.NewMapFromID(ebpf.MapID(id))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rules, err := r.keys(m, nil)
		m.Close()
		if err != nil {
			return nil, err
		}
		for _, e := range rules {
			all = append(all, entry{o.key, e.key})
		}
	}
	return all, nil
}

// Close closes the map.
func (r *genericReader) Close() error { return r.m.Close() }

// UsedBy says whether the programs use the map.
func (s RuleSource) UsedBy(programs []tracer.Program) bool {
	name := s.Map[:min(nameLimit, len(s.Map))]
	return slices.ContainsFunc(programs, func(p tracer.Program) bool { return slices.Contains(mapNames(p.Maps), name) })
}
