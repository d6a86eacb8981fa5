package enforcer

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/cilium/ebpf"
)

// entriesOf returns the values of a hash whose keys are mount namespaces. It returns nil for a nil map.
func entriesOf(m *ebpf.Map) (map[uint32][]byte, error) {
	if m == nil {
		return nil, nil
	}
	all, err := entriesAtOnce(m)
	if errors.Is(err, ebpf.ErrNotSupported) {
		return entriesOneByOne(m)
	}
	return all, err
}

// entriesAtOnce takes two system calls for a thousand entries. The kernel holds the lock of a bucket while it copies
// it, so an entry that the product replaces meanwhile is not missed.
func entriesAtOnce(m *ebpf.Map) (map[uint32][]byte, error) {
	const most = 1024
	size := int(min(m.MaxEntries(), most))
	keys := make([]uint32, size)
	array := reflect.ArrayOf(int(m.ValueSize()), reflect.TypeFor[byte]())
	values := reflect.MakeSlice(reflect.SliceOf(array), size, size)
	all := map[uint32][]byte{}
	var cursor ebpf.MapBatchCursor
	for {
		n, err := m.BatchLookup(&cursor, keys, values.Interface(), nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return nil, err
		}
		for i := range n {
			value := make([]byte, m.ValueSize())
			reflect.Copy(reflect.ValueOf(value), values.Index(i))
			all[keys[i]] = value
		}
		if err != nil {
			return all, nil
		}
	}
}

// entriesOneByOne starts over if the product changes the map meanwhile.
func entriesOneByOne(m *ebpf.Map) (all map[uint32][]byte, err error) {
	for range attempts {
		all = map[uint32][]byte{}
		var key uint32
		var value []byte
		it := m.Iterate()
		for it.Next(&key, &value) {
			all[key] = bytes.Clone(value)
		}
		if err = it.Err(); !errors.Is(err, ebpf.ErrIterationAborted) {
			break
		}
	}
	return all, err
}
