package enforcer

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/cilium/ebpf"
)

// entry is one entry of a map.
type entry struct{ key, value []byte }

// contents returns all entries of a map, sorted by key. It starts over if the product changes the map meanwhile.
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

// innerContents returns all entries of the inner map with an id. It fails with os.ErrNotExist if the map is gone.
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
