package tracer

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
)

// section is part of a crafted file.
type section struct {
	name string
	elf.Section64
	data []byte
}

// craft returns a 64-bit executable of one page with some sections.
func craft(sections ...section) []byte {
	names := []byte{0}
	all := append([]section{{}}, sections...)
	for i := 1; i < len(all); i++ {
		all[i].Name = uint32(len(names))
		names = append(append(names, all[i].name...), 0)
	}
	all = append(all, section{Section64: elf.Section64{Type: uint32(elf.SHT_STRTAB), Name: 0}, data: names})
	head, program := binary.Size(elf.Header64{}), binary.Size(elf.Prog64{})
	var body bytes.Buffer
	for i := range all {
		all[i].Off, all[i].Size = uint64(head+program+body.Len()), max(all[i].Size, uint64(len(all[i].data)))
		body.Write(all[i].data)
	}
	h := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1},
		Type:  uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Ehsize: uint16(head),
		Phoff:  uint64(head), Phentsize: uint16(program), Phnum: 1,
		Shoff: uint64(head + program + body.Len()), Shentsize: uint16(binary.Size(elf.Section64{})),
		Shnum: uint16(len(all)), Shstrndx: uint16(len(all) - 1),
	}
	var out bytes.Buffer
	load := elf.Prog64{Type: uint32(elf.PT_LOAD), Vaddr: 0x1000, Filesz: 1 << 12}
	for _, part := range []any{h, load, body.Bytes()} {
		_ = binary.Write(&out, binary.LittleEndian, part)
	}
	for _, s := range all {
		_ = binary.Write(&out, binary.LittleEndian, s.Section64)
	}
	return out.Bytes()
}

// withSymbols is a file with a symbol table of some functions. The table is the first section, its names the second.
func withSymbols(names []byte, symbols ...elf.Sym64) []byte {
	var table bytes.Buffer
	_ = binary.Write(&table, binary.LittleEndian, symbols)
	return craft(
		section{".symtab", elf.Section64{Type: uint32(elf.SHT_SYMTAB), Link: 2}, table.Bytes()},
		section{".strtab", elf.Section64{Type: uint32(elf.SHT_STRTAB)}, names},
	)
}

func fn(name uint32, address, size uint64) elf.Sym64 {
	return elf.Sym64{Name: name, Info: byte(elf.STT_FUNC), Value: address, Size: size}
}

// withPclntab is a stripped Go program whose .gopclntab begins with the words.
func withPclntab(size int, words ...uint64) []byte {
	data := make([]byte, max(size, 8+8*len(words)))
	binary.LittleEndian.PutUint32(data, pclntab120)
	data[6], data[7] = 1, 8
	for i, w := range words {
		binary.LittleEndian.PutUint64(data[8+8*i:], w)
	}
	return craft(
		section{".text", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Addr: 0x1000, Size: 1 << 12}, nil},
		section{".gopclntab", elf.Section64{Type: uint32(elf.SHT_PROGBITS)}, data},
	)
}

func TestELFSymbols(t *testing.T) {
	names := []byte("\x00outer\x00inner\x00endless")
	file := withSymbols(names, fn(1, 0x1100, 0x40), fn(7, 0x1200, 0), fn(13, 0x1300, 8), fn(1<<31, 0x1400, 8))
	s, err := readELF(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[uint64]string{
		0x0ff: "", 0x100: "outer", 0x13f: "outer", 0x140: "",
		0x210: "inner", 0x304: "endless", 0x404: "", 0x2000: "",
	} {
		if got, _ := s.symbol(offset); got != want {
			t.Errorf("at %#x: %q, want %q", offset, got, want)
		}
	}
}

// withHeader returns a file with one symbol, whose header is changed.
func withHeader(change func(*elf.Header64)) []byte {
	file := withSymbols([]byte("\x00f\x00"), fn(1, 0x1100, 4))
	var h elf.Header64
	_, _ = binary.Decode(file, binary.LittleEndian, &h)
	change(&h)
	_, _ = binary.Encode(file, binary.LittleEndian, h)
	return file
}

// Each file asks for far more memory than it takes on disk. Reading it as package debug/elf and debug/gosym do ends
// in an out-of-memory crash.
func TestCraftedELFTakesLittleMemory(t *testing.T) {
	const huge = 1<<31 - 1
	overlapping := bytes.Repeat([]byte("x"), 1<<20)
	many := make([]elf.Sym64, 20_000)
	for i := range many {
		many[i] = fn(uint32(i), uint64(0x1000+i), 1)
	}
	symtab := func(s elf.Section64, data []byte) []byte {
		s.Type = uint32(elf.SHT_SYMTAB)
		return craft(section{".symtab", s, data})
	}
	for name, file := range map[string][]byte{
		"pclntab of 2^31 functions":  withPclntab(3000, huge, 0, 0, 100, 200, 200, 200, 200),
		"pclntab without a name":     withPclntab(3000, 10, 0, 0, 1<<63, 1<<63, 200, 200, 200),
		"pclntab behind the end":     withPclntab(3000, 10, 0, 0, 100, 200, 200, 200, 1<<63),
		"names without an end":       withSymbols(overlapping, many...),
		"section of 2^40 bytes":      symtab(elf.Section64{Link: 1, Size: 1 << 40}, nil),
		"section of 60 MiB, missing": symtab(elf.Section64{Link: 1, Size: 60 << 20}, nil),
		"compressed section": symtab(elf.Section64{Link: 1, Flags: uint64(elf.SHF_COMPRESSED)},
			[]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
		"links to no section":  symtab(elf.Section64{Link: 1 << 31}, make([]byte, 48)),
		"65,535 sections":      withHeader(func(h *elf.Header64) { h.Shnum = 1<<16 - 1 }),
		"65,535 segments":      withHeader(func(h *elf.Header64) { h.Phnum = 1<<16 - 1 }),
		"sections at 2^64 - 1": withHeader(func(h *elf.Header64) { h.Shoff = 1<<64 - 1 }),
		"no name section":      withHeader(func(h *elf.Header64) { h.Shstrndx = 1<<16 - 1 }),
		"big-endian": withHeader(func(h *elf.Header64) {
			h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
		}),
		"empty":       {},
		"magic alone": []byte("\x7fELF"),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s, err := readELF(bytes.NewReader(file))
			if err == nil {
				for offset := range uint64(100) {
					s.symbol(offset)
				}
			} else if !errors.Is(err, errELF) {
				t.Error(err)
			}
			runtime.ReadMemStats(&after)
			if took, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+16*len(file)); took > most {
				t.Errorf("took %d bytes for a file of %d, want %d at most", took, len(file), most)
			}
		})
	}
}

// zerosAfter is a sparse file: a head, and zeros without an end.
type zerosAfter []byte

func (z zerosAfter) ReadAt(p []byte, offset int64) (int, error) {
	clear(p)
	if offset < int64(len(z)) {
		copy(p, z[offset:])
	}
	return len(p), nil
}

// A sparse file has whatever its headers claim, at no cost to its owner. The bounds alone keep it from being read.
func TestSparseFilesAreReadInPart(t *testing.T) {
	symtab := func(s elf.Section64, data []byte) []byte {
		s.Type, s.Link = uint32(elf.SHT_SYMTAB), 1
		return craft(section{".symtab", s, data})
	}
	for name, c := range map[string]struct {
		file    []byte
		refused bool
	}{
		"section of 64 MiB": {symtab(elf.Section64{Size: maxELFSection + 1}, nil), false},
		"65,535 sections":   {withHeader(func(h *elf.Header64) { h.Shnum = 1<<16 - 1 }), true},
		"65,535 segments":   {withHeader(func(h *elf.Header64) { h.Phnum = 1<<16 - 1 }), true},
		"sections far apart": {
			withHeader(func(h *elf.Header64) { h.Shnum, h.Shentsize = maxELFSections, 1<<16-1 }), true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s, err := readELF(zerosAfter(c.file))
			runtime.ReadMemStats(&after)
			if (err != nil) != c.refused || err != nil && !errors.Is(err, errELF) || s != nil &&
				len(s.functions) > 0 {
				t.Errorf("%+v, %v; want refused: %t", s, err, c.refused)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
				t.Errorf("took %d bytes", took)
			}
		})
	}
}

// What is compressed is neither inflated nor taken for symbols.
func TestCompressedSymbolsAreSkipped(t *testing.T) {
	file := withSymbols([]byte("\x00f\x00"), fn(1, 0x1100, 4))
	var h elf.Header64
	_, _ = binary.Decode(file, binary.LittleEndian, &h)
	at := file[h.Shoff+uint64(h.Shentsize):]
	var s elf.Section64
	_, _ = binary.Decode(at, binary.LittleEndian, &s)
	s.Flags |= uint64(elf.SHF_COMPRESSED)
	_, _ = binary.Encode(at, binary.LittleEndian, s)
	got, err := readELF(bytes.NewReader(file))
	if err != nil || len(got.functions) > 0 {
		t.Errorf("%+v, %v; want no function", got, err)
	}
}

func TestNamesAreBounded(t *testing.T) {
	names := bytes.Repeat([]byte("x"), 1<<20)
	if got := (function{names: names, name: 5}).String(); len(got) != maxFunctionName {
		t.Errorf("a name of %d bytes, want %d", len(got), maxFunctionName)
	}
	if got := (function{names: []byte("a\xffb\x00")}).String(); got != "a\uFFFDb" {
		t.Errorf("%q", got)
	}
}

func TestSymbolsThatAreKeptAreBounded(t *testing.T) {
	e := newELFFiles()
	for i := range uint64(4 * maxELFFiles) {
		s := &elfSymbols{size: int(i) << 10}
		if i%5 == 0 {
			s = nil // cannot be read
		}
		if e.keep(fileID{inode: i}, s) != s || e.byID[fileID{inode: i}] != s {
			t.Fatalf("the symbols of file %d are not kept", i)
		}
		var sum int
		for _, s := range e.byID {
			if s != nil {
				sum += s.size
			}
		}
		if len(e.byID) > maxELFFiles || e.size != sum || sum > maxELFSymbols {
			t.Fatalf("%d files with %d bytes, counted as %d", len(e.byID), sum, e.size)
		}
	}
	if e.keep(fileID{}, &elfSymbols{size: maxELFSymbols + 1}) != nil {
		t.Error("symbols are kept that are too large")
	}
}

func TestFilesAreReadWithinABudget(t *testing.T) {
	file := withSymbols([]byte("\x00f\x00"), fn(1, 0x1100, 4))
	for budget := int64(0); budget <= 2*int64(len(file)); budget += 50 {
		var left atomic.Int64
		left.Store(budget)
		s, err := readELF(budgetReader{bytes.NewReader(file), &left})
		if left.Load() < 0 {
			t.Fatalf("%d bytes are left of a budget of %d", left.Load(), budget)
		}
		if err != nil {
			if !errors.Is(err, errBudget) {
				t.Fatalf("with a budget of %d bytes: %v, want %v", budget, err, errBudget)
			}
			continue
		}
		if name, _ := s.symbol(0x100); name != "f" {
			t.Fatalf("with a budget of %d bytes, a part of the symbols is read", budget)
		}
	}
}

func FuzzReadELF(f *testing.F) {
	f.Add(withSymbols([]byte("\x00f\x00"), fn(1, 0x1100, 4)), uint64(0x100))
	f.Add(withPclntab(3000, 3, 0, 0, 100, 200, 200, 200, 200), uint64(0x100))
	if self, err := os.Open("/bin/true"); err == nil {
		head := make([]byte, 1<<16)
		n, _ := self.Read(head)
		self.Close()
		f.Add(head[:n], uint64(0x1000))
	}
	f.Fuzz(func(t *testing.T, file []byte, offset uint64) {
		s, err := readELF(bytes.NewReader(file))
		if err != nil {
			return
		}
		if name, _ := s.symbol(offset); len(name) > 3*maxFunctionName {
			t.Errorf("a name of %d bytes", len(name))
		}
		if len(s.functions) > len(file) || len(s.segments) > maxELFSegments {
			t.Errorf("%d functions, %d segments in %d bytes", len(s.functions), len(s.segments), len(file))
		}
	})
}
