package enforcer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/cilium/ebpf"
)

// entry is one of a map, as bytes.
type entry struct{ key, value []byte }

// contents reads a whole map of rules that its product changes in place, sorted by key.
func contents(m *ebpf.Map) (all []entry, err error) {
	for range attempts {
		all = nil
		var k, v []byte
		it := m.Iterate()
		for it.Next(&k, &v) {
			all = append(all, entry{bytes.Clone(k), bytes.Clone(v)})
		}
		if err = it.Err(); err == nil {
			break
		}
		if !errors.Is(err, ebpf.ErrIterationAborted) {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	return all, err
}

// innerContents is contents of an inner map, by its id.
func innerContents(id ebpf.MapID) ([]entry, error) {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return contents(m)
}

// digest returns a generation that two readings share only if the maps have the same contents.
func digest(parts ...[]entry) string {
	h := sha256.New()
	for _, all := range parts {
		for _, e := range all {
			h.Write(e.key)
			h.Write(e.value)
		}
		h.Write([]byte{0})
	}
	return string(h.Sum(nil))
}
