package enforcer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sync/errgroup"
)

// Policy is what is in force for one workload.
type Policy struct {
	Rules      Rules
	Generation Generation
}

// Generation tells two states of a workload's rules apart, also where the numbers are the same. It is comparable.
type Generation struct {
	mode   uint32
	inner  [numOuter]ebpf.MapID // replaced with every update; the kernel hands ids out in a circle
	caps   [16]byte
	ptrace [16]byte
}

// Reader reads the rules of one running product. A reading costs some ten syscalls, and two for each workload, while the rules stay
// the same.
type Reader struct {
	layout layout
	maps   *openMaps
	counts map[ebpf.MapID]int // rules in an inner map; they never change
}

// Open opens the maps in which the rules stand, given all maps that the product's programs use.
func (p Product) Open(ids []ebpf.MapID) (*Reader, error) {
	m, err := p.layout.open(ids)
	if err != nil {
		return nil, fmt.Errorf("rules of %s: %w", p.Name, err)
	}
	return &Reader{layout: p.layout, maps: m, counts: map[ebpf.MapID]int{}}, nil
}

// Close closes the maps.
func (r *Reader) Close() error { return r.maps.Close() }

// Read returns the policy of every workload that has one, by mount namespace.
func (r *Reader) Read() (all map[uint32]Policy, err error) {
	for range attempts {
		// An inner map that was replaced before its rules were counted is gone.
		if all, err = r.read(); !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	return all, err
}

func (r *Reader) read() (map[uint32]Policy, error) {
	modes, err := r.modes()
	if err != nil {
		return nil, fmt.Errorf("list confined namespaces in %s: %w", r.layout.mode, err)
	}
	var inner [numOuter]map[uint32]ebpf.MapID
	var g errgroup.Group
	for i := range inner {
		g.Go(func() (err error) {
			inner[i], err = innerIDs(r.maps.outer[i], slices.Collect(maps.Keys(modes)))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("find inner maps: %w", err)
	}
	all := make(map[uint32]Policy, len(modes))
	inUse := map[ebpf.MapID]int{}
	for ns, mode := range modes {
		p := Policy{Generation: Generation{mode: mode}}
		for i := range inner {
			p.Generation.inner[i] = inner[i][ns]
		}
		if err := r.fill(&p, ns); err != nil {
			return nil, fmt.Errorf("rules of mount namespace %d: %w", ns, err)
		}
		all[ns] = p
		for _, id := range p.Generation.inner {
			inUse[id] = r.counts[id]
		}
	}
	r.counts = inUse
	return all, nil
}

// attempts is how often something is read again that was replaced meanwhile.
const attempts = 10

func (r *Reader) modes() (map[uint32]uint32, error) {
	var err error
	for range attempts {
		all := map[uint32]uint32{}
		var ns, mode uint32
		it := r.maps.mode.Iterate()
		for it.Next(&ns, &mode) {
			all[ns] = mode
		}
		if err = it.Err(); err == nil {
			return all, nil
		}
	}
	return nil, err
}

const modeEnforce = 1

// fill counts the rules of a policy whose inner maps are known.
func (r *Reader) fill(p *Policy, ns uint32) error {
	counts := [numOuter]*int{&p.Rules.File, &p.Rules.Exec, &p.Rules.Net, &p.Rules.Mount}
	for i, o := range r.layout.outer {
		n, err := r.count(p.Generation.inner[i], o)
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		*counts[i] = n
	}
	if _, err := lookup(r.maps.caps, ns, p.Generation.caps[:]); err != nil {
		return fmt.Errorf("%s: %w", r.layout.caps, err)
	}
	p.Rules.Cap = bits.OnesCount64(binary.NativeEndian.Uint64(p.Generation.caps[8:]))
	found, err := lookup(r.maps.ptrace, ns, p.Generation.ptrace[:])
	if err != nil {
		return fmt.Errorf("%s: %w", r.layout.ptrace, err)
	}
	if found {
		p.Rules.Ptrace = 1
	}
	if p.Generation.mode != modeEnforce {
		p.Rules = Rules{} // in the other modes no rule is walked
	}
	return nil
}

// lookup reads a value of at most len(out) bytes; no map has no value.
func lookup(m *ebpf.Map, ns uint32, out []byte) (bool, error) {
	if m == nil {
		return false, nil
	}
	if int(m.ValueSize()) > len(out) {
		return false, fmt.Errorf("%s has values of %d bytes: not a known layout", m, m.ValueSize())
	}
	err := m.Lookup(ns, out[:m.ValueSize()])
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return false, nil
	}
	return err == nil, err
}

// count is the length of the run of keys 0, 1, 2, … in an inner map: programs stop at the first gap.
func (r *Reader) count(id ebpf.MapID, o outerLayout) (int, error) {
	if n, known := r.counts[id]; known || id == 0 {
		return n, nil
	}
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	if m.ValueSize() != o.rule {
		return 0, fmt.Errorf("rules of %d bytes: not the layout %s", m.ValueSize(), r.layout.version)
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
