package tracer

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// Magic numbers of .gopclntab, by the Go release that introduced the layout. Package debug/gosym knows the same
// layouts, but allocates as much as the counts in the file ask for.
const (
	pclntab12  = 0xfffffffb
	pclntab116 = 0xfffffffa
	pclntab118 = 0xfffffff0
	pclntab120 = 0xfffffff1
)

// pclntab is where the parts of a .gopclntab begin.
type pclntab struct {
	data      []byte
	pointer   int    // bytes of an address
	entry     int    // bytes of an address in the table of functions
	text      uint64 // address that the table of functions counts from
	count     uint64 // number of functions
	names     []byte
	functions uint64 // pairs of address and offset behind details
	details   uint64
}

// goFunctions adds the functions in a Go program's .gopclntab, which a stripped program has, too.
func (f *elfFile) goFunctions(s *elfSymbols) {
	section, ok := f.section(".gopclntab")
	if !ok {
		return
	}
	data, err := f.data(section)
	if err != nil {
		return
	}
	text, _ := f.section(".text")
	if t, ok := parsePclntab(data, text); ok {
		before := len(s.functions)
		s.functions = append(s.functions, t.all()...)
		if len(s.functions) > before {
			s.size += len(t.names)
		}
	}
}

// parsePclntab reads the header.
func parsePclntab(data []byte, text elf.Section64) (t pclntab, ok bool) {
	const header = 8
	if len(data) < header || data[4] != 0 || data[5] != 0 || data[7] != 4 && data[7] != 8 {
		return t, false
	}
	t = pclntab{data: data, pointer: int(data[7])}
	t.entry = t.pointer
	field := func(i int) uint64 { return t.uint(uint64(header+i*t.pointer), t.pointer) }
	size := uint64(len(data))
	names, namesEnd := uint64(0), size
	switch binary.LittleEndian.Uint32(data) {
	case pclntab12:
		t.count, t.functions = field(0), uint64(header+t.pointer)
	case pclntab116:
		t.count, t.functions = field(0), field(6)
		t.details, names, namesEnd = t.functions, field(2), field(3)
	case pclntab118, pclntab120:
		t.entry = 4
		t.count, t.functions = field(0), field(7)
		t.details, names, namesEnd = t.functions, field(3), field(4)
		// The linker leaves the field 0, or as it was before relocation.
		t.text = text.Addr
		if start := field(2); start >= text.Addr && start-text.Addr < text.Size {
			t.text = start
		}
	default:
		return t, false
	}
	if t.functions > size || names > namesEnd || namesEnd > size {
		return t, false
	}
	t.names = bytes.Clone(data[names:namesEnd]) // the rest is not kept
	return t, true
}

// all returns the functions. Offsets that lead out of the table end or skip them.
func (t pclntab) all() (out []function) {
	size := uint64(t.entry)
	most := (uint64(len(t.data)) - t.functions) / (2 * size)
	for i := range min(t.count, most, maxELFFunctions) {
		pair := t.functions + 2*size*i
		address, detail := t.uint(pair, t.entry), t.uint(pair+size, t.entry)
		if detail > uint64(len(t.data)) {
			continue
		}
		f := function{address: t.text + address, names: t.names, name: uint32(t.uint(t.details+detail+size, 4))}
		if end := t.uint(pair+2*size, t.entry); end > address {
			f.size = end - address
		}
		out = append(out, f)
	}
	return out
}

// uint returns the number at an offset, 0 if the table ends before it.
func (t pclntab) uint(offset uint64, size int) uint64 {
	if offset > uint64(len(t.data)) || uint64(len(t.data))-offset < uint64(size) {
		return 0
	}
	if size == 4 {
		return uint64(binary.LittleEndian.Uint32(t.data[offset:]))
	}
	return binary.LittleEndian.Uint64(t.data[offset:])
}
