package enforcer

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
)

// rawKeys returns the keys of a map, sorted. If the product deletes the current key, the kernel starts over and returns
// keys again. rawKeys gives up after several times the number of keys that the map can hold.
func rawKeys(m *ebpf.Map) ([][]byte, error) {
	seen := map[string]bool{}
	var previous any
	for range attempts * int(m.MaxEntries()+1) {
		next, err := m.NextKeyBytes(previous)
		if err != nil {
			return nil, err
		}
		if next == nil {
			all := make([][]byte, 0, len(seen))
			for k := range seen {
				all = append(all, []byte(k))
			}
			slices.SortFunc(all, slices.Compare)
			return all, nil
		}
		seen[string(next)] = true
		previous = next
	}
	return nil, fmt.Errorf("list the keys of %s: %w", m, ebpf.ErrIterationAborted)
}

// keysOf returns the keys of a map, decoded.
func keysOf[K any](m *ebpf.Map) (all []K, err error) {
	raw, err := rawKeys(m)
	for _, b := range raw {
		var k K
		if _, err := binary.Decode(b, binary.NativeEndian, &k); err != nil {
			return nil, fmt.Errorf("keys of %s: %w", m, err)
		}
		all = append(all, k)
	}
	return all, err
}
