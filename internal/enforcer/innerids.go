package enforcer

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sync/errgroup"
)

// InnerMaps returns the ids of the maps in a map of maps, whatever its keys are.
func InnerMaps(outer *ebpf.Map) ([]ebpf.MapID, error) {
	switch outer.KeySize() {
	case 4:
		ids, err := innerIDsOf[[4]byte](outer)
		return slices.Collect(maps.Values(ids)), err
	case 8:
		ids, err := innerIDsOf[[8]byte](outer)
		return slices.Collect(maps.Values(ids)), err
	}
	keys, err := rawKeys(outer)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var ids []ebpf.MapID
	err = lookInnerIDs(outer, keys, func(_ []byte, id ebpf.MapID) {
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, id)
	})
	return ids, err
}

// innerIDsOf returns the id of the inner map of every key in a map of maps. It returns nil for a nil map.
func innerIDsOf[K comparable](outer *ebpf.Map) (map[K]ebpf.MapID, error) {
	if outer == nil {
		return nil, nil
	}
	ids, err := innerIDsAtOnce[K](outer)
	if errors.Is(err, ebpf.ErrNotSupported) { // before Linux 5.14, which looks up batches in maps of maps
		return innerIDsOneByOne[K](outer)
	}
	return ids, err
}

// largestBatch is how many keys of a map are looked up at once.
const largestBatch = 1 << 14

func innerIDsAtOnce[K comparable](outer *ebpf.Map) (map[K]ebpf.MapID, error) {
	size := min(outer.MaxEntries(), largestBatch)
	outerKeys, inner := make([]K, size), make([]uint32, size)
	ids := map[K]ebpf.MapID{}
	var cursor ebpf.MapBatchCursor
	for {
		n, err := outer.BatchLookup(&cursor, outerKeys, inner, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil, err
		}
		for i := range n {
			ids[outerKeys[i]] = ebpf.MapID(inner[i])
		}
		if err != nil {
			return ids, nil
		}
	}
}

func innerIDsOneByOne[K comparable](outer *ebpf.Map) (map[K]ebpf.MapID, error) {
	all, err := keysOf[K](outer)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	ids := map[K]ebpf.MapID{}
	return ids, lookInnerIDs(outer, all, func(k K, id ebpf.MapID) {
		mu.Lock()
		defer mu.Unlock()
		ids[k] = id
	})
}

// lookInnerIDs looks up the keys in parallel, and calls fn for each that exists. On Linux 5.10 and 6.1, each lookup in
// a map of maps waits some 16 ms for an RCU grace period, and many lookups can wait for the same one. Linux 6.12 does
// not wait.
func lookInnerIDs[K any](outer *ebpf.Map, keys []K, fn func(K, ebpf.MapID)) error {
	var g errgroup.Group
	g.SetLimit(64)
	for _, k := range keys {
		g.Go(func() error {
			var id uint32
			err := outer.Lookup(k, &id)
			if errors.Is(err, ebpf.ErrKeyNotExist) {
				return nil
			}
			if err == nil {
				fn(k, ebpf.MapID(id))
			}
			return err
		})
	}
	return g.Wait()
}
