package enforcer

import (
	"errors"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sync/errgroup"
)

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

func innerIDsAtOnce[K comparable](outer *ebpf.Map) (map[K]ebpf.MapID, error) {
	size := outer.MaxEntries()
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

// innerIDsOneByOne looks the keys up in parallel. On Linux 5.10 and 6.1, each lookup in a map of maps waits some 16 ms
// for an RCU grace period, and many lookups can wait for the same one. Linux 6.12 does not wait.
func innerIDsOneByOne[K comparable](outer *ebpf.Map) (map[K]ebpf.MapID, error) {
	all, err := keysOf[K](outer)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	ids := map[K]ebpf.MapID{}
	var g errgroup.Group
	g.SetLimit(64)
	for _, k := range all {
		g.Go(func() error {
			var id uint32
			err := outer.Lookup(k, &id)
			if errors.Is(err, ebpf.ErrKeyNotExist) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			ids[k] = ebpf.MapID(id)
			return err
		})
	}
	return ids, g.Wait()
}
