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

// RuleSource says where an enforcer that lsmprof does not know keeps its rules.
type RuleSource struct {
	Map    string // entries of the map of this name are rules; "": Number is given
	Prefix []byte // of the keys that count
	Number int
}

// ParseRulesMap reads NAME[:KEY-PREFIX]. The prefix is text, or bytes in hexadecimal after 0x.
func ParseRulesMap(s string) (RuleSource, error) {
	name, prefix, _ := strings.Cut(s, ":")
	if name == "" || len(name) > 2*nameLimit || strings.ContainsAny(name, " /") {
		return RuleSource{}, fmt.Errorf("%q is not NAME[:KEY-PREFIX]; `bpftool map` shows names", s)
	}
	source := RuleSource{Map: name, Prefix: []byte(prefix)}
	if digits, ok := strings.CutPrefix(prefix, "0x"); ok {
		raw, err := hex.DecodeString(digits)
		if err != nil {
			return RuleSource{}, fmt.Errorf("key prefix %s: %w. Write two digits for each byte", prefix,
				err)
		}
		source.Prefix = raw
	}
	return source, nil
}

// Open opens the map that holds the rules of the programs. The caller closes the reader.
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
		return nil, fmt.Errorf("none of the programs uses a map %s", s.Map)
	}
	switch m.Type() {
	case ebpf.Hash, ebpf.LRUHash, ebpf.PerCPUHash, ebpf.LRUCPUHash, ebpf.HashOfMaps:
		return &genericReader{s, m}, nil
	}
	err = fmt.Errorf("map %s is a %s: only the entries of hashes and of hashes of maps can be counted", s.Map,
		m.Type())
	return nil, errors.Join(err, m.Close())
}

// fixed is a number of rules that the user gave.
type fixed int

// Read returns a policy with this number of rules for every workload.
func (n fixed) Read() (Policies, error) {
	return Policies{tracer.AllWorkloads: uniform(int(n), "fixed")}, nil
}

// Close has nothing to close.
func (fixed) Close() error { return nil }

// uniform returns a policy under which every program walks n rules.
func uniform(n int, generation string) Policy {
	return Policy{Rules: Rules{Other: n}, Generation: generation, uniform: true}
}

type genericReader struct {
	RuleSource
	m *ebpf.Map
}

// Read counts the entries of the map, or those of the inner maps if it is a map of maps.
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
			continue // replaced since the keys were listed; the next reading has it
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

// UsedBy reports whether any of the programs uses the map.
func (s RuleSource) UsedBy(programs []tracer.Program) bool {
	name := s.Map[:min(nameLimit, len(s.Map))]
	return slices.ContainsFunc(programs, func(p tracer.Program) bool {
		return slices.Contains(mapNames(p.Maps), name)
	})
}
