package enforcer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"maps"
	"reflect"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
)

// table holds the entries of a hash whose keys are mount namespaces, as of its last reading. A reading that finds what
// the one before found allocates hardly anything. A table of a nil map has no entries.
type table struct {
	m           *ebpf.Map
	now, before entries
}

// entries are those of a hash, in an order that stays the same while the hash does.
type entries struct {
	keys   []uint32
	values []byte // one after the other
}

// read reads all entries, and reports whether they differ from those of the reading before.
func (t *table) read() (changed bool, err error) {
	if t.m == nil {
		return false, nil
	}
	t.now, t.before = t.before, t.now
	err = t.readAtOnce()
	if errors.Is(err, ebpf.ErrNotSupported) {
		err = t.readOneByOne()
	}
	if err != nil {
		t.now.clear() // the next reading finds a change
	}
	return !slices.Equal(t.now.keys, t.before.keys) || !bytes.Equal(t.now.values, t.before.values), err
}

// all returns the namespaces with their values, which are valid until the next reading.
func (t *table) all() iter.Seq2[uint32, []byte] {
	return func(yield func(uint32, []byte) bool) {
		for i, ns := range t.now.keys {
			size := len(t.now.values) / len(t.now.keys)
			if !yield(ns, t.now.values[i*size:(i+1)*size]) {
				return
			}
		}
	}
}

func (e *entries) clear() { e.keys, e.values = e.keys[:0], e.values[:0] }

// readAtOnce takes a system call for a thousand entries. The kernel holds the lock of a bucket while it copies it, so
// an entry that the product replaces meanwhile is not missed.
func (t *table) readAtOnce() error {
	const most = 1024
	size, valueSize := int(min(t.m.MaxEntries(), most)), int(t.m.ValueSize())
	value := reflect.ArrayOf(valueSize, reflect.TypeFor[byte]())
	e := &t.now
	e.clear()
	var cursor ebpf.MapBatchCursor
	for {
		used := len(e.keys)
		e.keys = slices.Grow(e.keys, size)
		e.values = slices.Grow(e.values, size*valueSize)
		at := unsafe.Pointer(unsafe.SliceData(e.values[used*valueSize : (used+size)*valueSize]))
		n, err := t.m.BatchLookup(&cursor, e.keys[used:used+size],
			reflect.SliceAt(value, at, size).Interface(), nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
		e.keys, e.values = e.keys[:used+n], e.values[:(used+n)*valueSize]
		if err != nil {
			return nil
		}
	}
}

// readOneByOne starts over if the product changes the map meanwhile. Before Linux 5.14 maps of maps, and before 5.6 all
// maps, are read in this way.
func (t *table) readOneByOne() (err error) {
	if t.m.Type() == ebpf.HashOfMaps {
		return t.readInnerOneByOne()
	}
	var all []entry
	if all, err = contents(t.m); err != nil {
		return err
	}
	t.now.clear()
	for _, e := range all {
		t.now.keys = append(t.now.keys, binary.NativeEndian.Uint32(e.key))
		t.now.values = append(t.now.values, e.value...)
	}
	return nil
}

func (t *table) readInnerOneByOne() error {
	ids, err := innerIDsOneByOne[uint32](t.m)
	if err != nil {
		return err
	}
	t.now.clear()
	for _, ns := range slices.Sorted(maps.Keys(ids)) {
		t.now.keys = append(t.now.keys, ns)
		t.now.values = binary.NativeEndian.AppendUint32(t.now.values, uint32(ids[ns]))
	}
	return nil
}
