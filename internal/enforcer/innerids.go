package enforcer

import (
	"errors"
	"sync"

	"github.com/cilium/ebpf"
	"golang.org/x/sync/errgroup"
)

// innerIDs returns the inner map of every namespace that has one in the outer map: user space gets its id.
func innerIDs(outer *ebpf.Map, namespaces []uint32) (map[uint32]ebpf.MapID, error) {
	if outer == nil || len(namespaces) == 0 {
		return nil, nil
	}
	ids, err := innerIDsAtOnce(outer)
	if errors.Is(err, ebpf.ErrNotSupported) { // Linux 5.10 has no batches of maps of maps, 6.1 has
		return innerIDsOneByOne(outer, namespaces)
	}
	return ids, err
}

func innerIDsAtOnce(outer *ebpf.Map) (map[uint32]ebpf.MapID, error) {
	size := outer.MaxEntries()
	namespaces, inner := make([]uint32, size), make([]uint32, size)
	ids := map[uint32]ebpf.MapID{}
	var cursor ebpf.MapBatchCursor
	for {
		n, err := outer.BatchLookup(&cursor, namespaces, inner, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil, err
		}
		for i := range n {
			ids[namespaces[i]] = ebpf.MapID(inner[i])
		}
		if err != nil {
			return ids, nil
		}
	}
}

// innerIDsOneByOne looks up in parallel: on Linux 5.10 and 6.1 each lookup in a map of maps waits for an RCU grace period, some
// 16 ms, and many can wait for the same one. 6.12 does not wait.
func innerIDsOneByOne(outer *ebpf.Map, namespaces []uint32) (map[uint32]ebpf.MapID, error) {
	var mu sync.Mutex
	ids := map[uint32]ebpf.MapID{}
	var g errgroup.Group
	g.SetLimit(64)
	for _, ns := range namespaces {
		g.Go(func() error {
			var id uint32
			err := outer.Lookup(ns, &id)
			if errors.Is(err, ebpf.ErrKeyNotExist) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			ids[ns] = ebpf.MapID(id)
			return err
		})
	}
	return ids, g.Wait()
}
