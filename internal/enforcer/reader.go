package enforcer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"sync/atomic"

	"github.com/cilium/ebpf"
	"golang.org/x/sync/errgroup"
)

// state differs between any two states of a workload's rules.
type state struct {
	mode   uint32
	inner  [numOuter]ebpf.MapID // each update makes new maps, and the kernel does not reuse an id soon
	caps   [16]byte
	ptrace [16]byte
}

func (s state) generation() string {
	b := binary.NativeEndian.AppendUint32(nil, s.mode)
	for _, id := range s.inner {
		b = binary.NativeEndian.AppendUint32(b, uint32(id))
	}
	return string(append(append(b, s.caps[:]...), s.ptrace[:]...))
}

// reader reads the rules of a product like vArmor. While the rules stay the same, a reading takes some seven system
// calls, however many workloads have rules, and returns what the reading before returned.
type reader struct {
	*openMaps
	outers           [numOuter]table // namespace -> id of the inner map with its rules
	capsOf, ptraceOf table
	modeOf           table
	counts           map[ebpf.MapID]int // number of rules in an inner map, which never changes
	last             Policies           // as of the tables; nil: not known
}

func newReader(m *openMaps) *reader {
	r := &reader{
		openMaps: m, capsOf: table{m: m.caps}, ptraceOf: table{m: m.ptrace}, modeOf: table{m: m.mode},
		counts: map[ebpf.MapID]int{},
	}
	for i, outer := range m.outer {
		r.outers[i].m = outer
	}
	return r
}

// Layout returns the versions of the product whose maps are laid out like these, or "" for the reference enforcer.
func (r *reader) Layout() string {
	if r.version == thisVersion {
		return ""
	}
	return r.version
}

// Read returns the policies in force. The caller must not change them.
func (r *reader) Read() (all Policies, err error) {
	for range attempts {
		// An inner map may be replaced before its rules are counted.
		if all, err = r.read(); !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	return all, err
}

// attempts bounds how many times maps are read again that changed meanwhile.
const attempts = 10

func (r *reader) read() (Policies, error) {
	last := r.last
	changed, err := r.readTables()
	if err != nil {
		return nil, err
	}
	if last != nil && !changed {
		r.last = last
		return last, nil
	}
	c := r.confined()
	all := make(Policies, len(c.modes))
	inUse := map[ebpf.MapID]int{}
	for ns, mode := range c.modes {
		s := state{mode: mode}
		for i := range c.inner {
			s.inner[i] = c.inner[i][ns]
		}
		copy(s.caps[:], c.caps[ns])
		trace, traced := c.ptrace[ns]
		copy(s.ptrace[:], trace)
		rules, err := r.rules(&s, traced)
		if err != nil {
			return nil, fmt.Errorf("rules of mount namespace %d: %w", ns, err)
		}
		all[ns] = r.policy(s, rules)
		for _, id := range s.inner {
			inUse[id] = r.counts[id]
		}
	}
	r.counts, r.last = inUse, all
	return all, nil
}

// readTables reads all maps, and reports whether any has changed since the last time.
func (r *reader) readTables() (changed bool, err error) {
	r.last = nil
	tables := []*table{&r.capsOf, &r.ptraceOf, &r.modeOf}
	for i := range r.outers {
		tables = append(tables, &r.outers[i])
	}
	var g errgroup.Group // where the kernel waits for each map of maps, it can wait for all at once
	var any atomic.Bool
	for _, t := range tables {
		g.Go(func() error {
			changed, err := t.read()
			if err != nil {
				return fmt.Errorf("read %s: %w", t.m, err)
			}
			if changed {
				any.Store(true)
			}
			return nil
		})
	}
	err = g.Wait()
	return any.Load(), err
}

// confined is what the maps say of the confined mount namespaces.
type confined struct {
	inner        [numOuter]map[uint32]ebpf.MapID // the maps with the rules
	caps, ptrace map[uint32][]byte
	modes        map[uint32]uint32
}

// confined returns what the tables hold. It is valid until they are read again.
func (r *reader) confined() (c confined) {
	for i := range r.outers {
		c.inner[i] = map[uint32]ebpf.MapID{}
		for ns, id := range r.outers[i].all() {
			c.inner[i][ns] = ebpf.MapID(binary.NativeEndian.Uint32(id))
		}
	}
	c.caps, c.ptrace = maps.Collect(r.capsOf.all()), maps.Collect(r.ptraceOf.all())
	c.modes = r.modes(c)
	return c
}

const modeEnforce = 1

// modes returns the confined namespaces with their modes: those in the map of modes or, in layouts without one, those
// that have a rule.
func (r *reader) modes(c confined) map[uint32]uint32 {
	all := map[uint32]uint32{}
	if r.mode != nil {
		for ns, value := range r.modeOf.all() {
			all[ns] = binary.NativeEndian.Uint32(value)
		}
		return all
	}
	for _, ids := range c.inner {
		for ns := range ids {
			all[ns] = modeEnforce
		}
	}
	for _, m := range []map[uint32][]byte{c.caps, c.ptrace} {
		for ns := range m {
			all[ns] = modeEnforce
		}
	}
	return all
}

func (r *reader) policy(s state, rules Rules) Policy {
	p := Policy{Generation: s.generation(), Rules: rules}
	switch {
	case r.mode == nil:
	case s.mode != modeEnforce:
		p.Mode, p.Rules = Complain, Rules{} // programs walk no rule
	case rules == Rules{}:
		p.Mode = Allow
	default:
		p.Mode = Enforce
	}
	return p
}

// rules counts the rules of a namespace, whose state is complete. traced: it has a ptrace rule.
func (r *reader) rules(s *state, traced bool) (rules Rules, err error) {
	for i, count := range [numOuter]*int{&rules.File, &rules.Exec, &rules.Net, &rules.Mount} {
		if *count, err = r.count(s.inner[i], r.layout.outer[i]); err != nil {
			return rules, fmt.Errorf("%s: %w", r.layout.outer[i].name, err)
		}
	}
	if r.caps != nil {
		rules.Cap = bits.OnesCount64(binary.NativeEndian.Uint64(s.caps[r.layout.caps.value-8:]))
	}
	if traced {
		rules.Ptrace = 1
	}
	return rules, nil
}

// count returns the number of rules in an inner map: the keys 0, 1, 2, … up to the first gap, at which programs stop.
func (r *reader) count(id ebpf.MapID, o outerLayout) (int, error) {
	if n, known := r.counts[id]; known || id == 0 {
		return n, nil
	}
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	if !o.rule.has(m.ValueSize()) {
		return 0, fmt.Errorf("rules of %d bytes: not the layout of %s", m.ValueSize(), r.version)
	}
	value := make([]byte, m.ValueSize())
	for n := uint32(0); ; n++ {
		err := m.Lookup(n, value)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			r.counts[id] = int(n)
			return int(n), nil
		}
		if err != nil {
			return 0, err
		}
	}
}
