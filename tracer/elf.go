package tracer

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unsafe"
)

// Bounds on what is read and kept of one executable. Whoever owns it may be an attacker, so no size or count in the
// file is used before it was compared with one of these. Compressed sections are skipped: no linker compresses symbol
// tables.
const (
	maxELFSegments  = 1 << 7
	maxELFSections  = 1 << 13
	maxELFSection   = 64 << 20 // bytes
	maxELFFunctions = 1 << 19
	maxFunctionName = 1 << 10 // bytes
)

var errELF = errors.New("not an executable that lsmprof can read")

// elfSymbols are the functions of an executable or a library.
type elfSymbols struct {
	segments  []elf.Prog64
	functions []function // by address
	size      int        // memory that they and their names take, in bytes
}

// function is where the linker put a function. Its name is looked up when it is needed: the names of a crafted file may
// overlap, and take far more memory than the file.
type function struct {
	address uint64
	size    uint64 // 0: up to the next function
	names   []byte // table that the name is in
	name    uint32 // offset
}

func (f function) String() string {
	if uint64(f.name) >= uint64(len(f.names)) {
		return ""
	}
	name := f.names[f.name:]
	name = name[:min(len(name), maxFunctionName)]
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	return strings.ToValidUTF8(string(name), "\uFFFD")
}

// symbol returns the function at an offset into the file, and the offset into that function. If no function is there,
// the name is empty and the offset unchanged.
func (s *elfSymbols) symbol(offset uint64) (string, uint64) {
	for _, p := range s.segments {
		if offset < p.Off || offset-p.Off >= p.Filesz {
			continue
		}
		address := offset - p.Off + p.Vaddr
		i, found := slices.BinarySearchFunc(s.functions, address, func(f function, at uint64) int {
			return cmp.Compare(f.address, at)
		})
		if !found {
			i--
		}
		if i < 0 {
			continue
		}
		if f := s.functions[i]; f.size == 0 || address-f.address < f.size {
			return f.String(), address - f.address
		}
	}
	return "", offset
}

// readELF reads the functions of a file: those of its symbol tables and, for a stripped Go program, those that Go
// keeps for its own stack traces.
func readELF(r io.ReaderAt) (*elfSymbols, error) {
	f, err := newELFFile(r)
	if err != nil {
		return nil, err
	}
	s := &elfSymbols{segments: f.segments}
	static := f.symbols(s, elf.SHT_SYMTAB)
	f.symbols(s, elf.SHT_DYNSYM)
	if !static {
		f.goFunctions(s)
	}
	if f.exhausted {
		return nil, errBudget
	}
	slices.SortStableFunc(s.functions, func(a, b function) int { return cmp.Compare(a.address, b.address) })
	s.size += int(unsafe.Sizeof(function{})) * cap(s.functions)
	return s, nil
}

// elfFile is a file whose tables of segments and sections were read. 32-bit headers are widened to 64-bit ones.
type elfFile struct {
	r        io.ReaderAt
	wide     bool // 64-bit
	segments []elf.Prog64
	sections []elf.Section64
	names    []byte // of sections
	// exhausted says that the budget did not suffice for a read.
	exhausted bool
}

// elfIdent are the first bytes of a file: magic number, class and byte order. All machines that lsmprof runs on are
// little-endian.
const elfIdent = 16

func newELFFile(r io.ReaderAt) (*elfFile, error) {
	var ident [elfIdent]byte
	if _, err := r.ReadAt(ident[:], 0); err != nil {
		return nil, fmt.Errorf("%w: %w", errELF, err)
	}
	if string(ident[:4]) != elf.ELFMAG || elf.Data(ident[elf.EI_DATA]) != elf.ELFDATA2LSB {
		return nil, errELF
	}
	f := &elfFile{r: r, wide: elf.Class(ident[elf.EI_CLASS]) == elf.ELFCLASS64}
	h, err := readHeader(f, func(h elf.Header32) elf.Header64 {
		return elf.Header64{
			Phoff: uint64(h.Phoff), Phentsize: h.Phentsize, Phnum: h.Phnum,
			Shoff: uint64(h.Shoff), Shentsize: h.Shentsize, Shnum: h.Shnum, Shstrndx: h.Shstrndx,
		}
	})
	if err != nil {
		return nil, err
	}
	f.segments, err = readTable(f, h.Phoff, h.Phentsize, h.Phnum, maxELFSegments, func(p elf.Prog32) elf.Prog64 {
		return elf.Prog64{Type: p.Type, Off: uint64(p.Off), Vaddr: uint64(p.Vaddr), Filesz: uint64(p.Filesz)}
	})
	if err != nil {
		return nil, err
	}
	f.segments = slices.DeleteFunc(f.segments, func(p elf.Prog64) bool {
		return elf.ProgType(p.Type) != elf.PT_LOAD
	})
	widen := func(s elf.Section32) elf.Section64 {
		return elf.Section64{
			Name: s.Name, Type: s.Type, Flags: uint64(s.Flags), Addr: uint64(s.Addr), Off: uint64(s.Off),
			Size: uint64(s.Size), Link: s.Link,
		}
	}
	f.sections, err = readTable(f, h.Shoff, h.Shentsize, h.Shnum, maxELFSections, widen)
	if err != nil {
		return nil, err
	}
	if int(h.Shstrndx) < len(f.sections) {
		f.names, _ = f.data(f.sections[h.Shstrndx])
	}
	return f, nil
}

// readHeader reads the file's header.
func readHeader(f *elfFile, widen func(elf.Header32) elf.Header64) (h elf.Header64, err error) {
	all, err := readTable(f, 0, 0, 1, 1, widen)
	if err != nil {
		return h, err
	}
	return all[0], nil
}

// readTable reads n entries of a table that lie size bytes apart. If size is 0, no gaps lie between them.
func readTable[Narrow, Wide any](
	f *elfFile, offset uint64, size, n uint16, most int, widen func(Narrow) Wide,
) ([]Wide, error) {
	if int(n) > most {
		return nil, fmt.Errorf("%w: a table of %d entries", errELF, n)
	}
	var narrow Narrow
	var wide Wide
	least := binary.Size(narrow)
	if f.wide {
		least = binary.Size(wide)
	}
	step := max(int(size), least)
	if n == 0 {
		return nil, nil
	}
	data, err := f.read(offset, uint64(step*(int(n)-1)+least))
	if err != nil {
		return nil, err
	}
	out := make([]Wide, n)
	for i := range out {
		entry := data[i*step:][:least]
		if f.wide {
			_, err = binary.Decode(entry, binary.LittleEndian, &out[i])
		} else if _, err = binary.Decode(entry, binary.LittleEndian, &narrow); err == nil {
			out[i] = widen(narrow)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errELF, err)
		}
	}
	return out, nil
}

// read returns a part of the file. It grows with what the file has, not with what its headers claim.
func (f *elfFile) read(offset, size uint64) ([]byte, error) {
	if size > maxELFSection || offset > 1<<62 {
		return nil, fmt.Errorf("%w: %d bytes at %d", errELF, size, offset)
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.NewSectionReader(f.r, int64(offset), int64(size)))
	if err == nil && uint64(n) < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		f.exhausted = f.exhausted || errors.Is(err, errBudget)
		return nil, fmt.Errorf("%w: %w", errELF, err)
	}
	return b.Bytes(), nil
}

func (f *elfFile) data(s elf.Section64) ([]byte, error) {
	if elf.SectionType(s.Type) == elf.SHT_NOBITS || elf.SectionFlag(s.Flags)&elf.SHF_COMPRESSED != 0 {
		return nil, fmt.Errorf("%w: an empty or compressed section", errELF)
	}
	return f.read(s.Off, s.Size)
}

// section finds a section by its name.
func (f *elfFile) section(name string) (elf.Section64, bool) {
	i := slices.IndexFunc(f.sections, func(s elf.Section64) bool {
		return function{names: f.names, name: s.Name}.String() == name
	})
	if i < 0 {
		return elf.Section64{}, false
	}
	return f.sections[i], true
}

// symbols adds the functions of the first symbol table of a type. It reports whether there is one.
func (f *elfFile) symbols(s *elfSymbols, of elf.SectionType) bool {
	i := slices.IndexFunc(f.sections, func(s elf.Section64) bool { return elf.SectionType(s.Type) == of })
	if i < 0 || int(f.sections[i].Link) >= len(f.sections) {
		return false
	}
	table, err := f.data(f.sections[i])
	if err != nil {
		return false
	}
	names, err := f.data(f.sections[f.sections[i].Link])
	if err != nil {
		return false
	}
	before := len(s.functions)
	step := binary.Size(elf.Sym32{})
	if f.wide {
		step = binary.Size(elf.Sym64{})
	}
	for ; len(table) >= step && len(s.functions) < maxELFFunctions; table = table[step:] {
		fn, info := symbol32(table)
		if f.wide {
			fn, info = symbol64(table)
		}
		if elf.ST_TYPE(info) == elf.STT_FUNC && fn.address != 0 {
			fn.names = names
			s.functions = append(s.functions, fn)
		}
	}
	if len(s.functions) > before {
		s.size += len(names)
	}
	return true
}

// symbol64 decodes an elf.Sym64. There may be hundreds of thousands: package binary would take seconds.
func symbol64(b []byte) (f function, info byte) {
	le := binary.LittleEndian
	return function{name: le.Uint32(b), address: le.Uint64(b[8:]), size: le.Uint64(b[16:])}, b[4]
}

// symbol32 decodes an elf.Sym32.
func symbol32(b []byte) (f function, info byte) {
	le := binary.LittleEndian
	return function{name: le.Uint32(b), address: uint64(le.Uint32(b[4:])), size: uint64(le.Uint32(b[8:]))}, b[12]
}
