package tracer

import (
	"bufio"
	"cmp"
	"debug/elf"
	"debug/gosym"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lsmprof/lsmprof/profile"
)

// mapping is a line of /proc/PID/maps.
type mapping struct {
	start, end, offset uint64
	file               string // path as the process sees it, [vdso], "" for anonymous memory
	inode              string // device and inode: what the file is, whatever it is called
}

// readMaps reads lines like `7f00-7f10 r-xp 00001000 fe:01 4711   /usr/lib/libc.so.6`, of which it keeps what can be executed.
func readMaps(r io.Reader) (all []mapping, _ error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 5 || !strings.Contains(f[1], "x") {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		m := mapping{inode: f[3] + "/" + f[4]}
		var errs [3]error
		m.start, errs[0] = strconv.ParseUint(from, 16, 64)
		m.end, errs[1] = strconv.ParseUint(to, 16, 64)
		m.offset, errs[2] = strconv.ParseUint(f[2], 16, 64)
		if cmp.Or(errs[0], errs[1], errs[2]) != nil {
			continue
		}
		if len(f) > 5 {
			// A name may contain spaces; the kernel pads in front of it.
			m.file = strings.TrimSuffix(lines.Text()[strings.Index(lines.Text(), f[5]):], " (deleted)")
		}
		all = append(all, m)
	}
	return all, lines.Err()
}

// userSymbols names addresses in processes, for a moment: which file lies where changes with every exec, and process ids are used
// again. What is in the files stays.
type userSymbols struct {
	proc      string
	processes map[uint32][]mapping
	files     *elfFiles
}

func newUserSymbols(files *elfFiles) *userSymbols {
	return &userSymbols{"/proc", map[uint32][]mapping{}, files}
}

// frames names a user stack. All but the innermost are return addresses, which may already belong to the next function.
func (u *userSymbols) frames(pid uint32, stack []uint64) (out []profile.Frame) {
	for i, address := range stack {
		at := address
		if i > 0 {
			at--
		}
		f := u.frame(pid, at)
		f.Address, f.Offset = address, f.Offset+address-at
		out = append(out, f)
	}
	return out
}

func (u *userSymbols) frame(pid uint32, address uint64) profile.Frame {
	dir := filepath.Join(u.proc, fmt.Sprint(pid))
	maps, known := u.processes[pid]
	if !known {
		if f, err := os.Open(filepath.Join(dir, "maps")); err == nil {
			maps, _ = readMaps(f)
			f.Close()
		}
		u.processes[pid] = maps
	}
	for _, m := range maps {
		if address < m.start || address >= m.end {
			continue
		}
		f := profile.Frame{Module: cmp.Or(m.file, "[anonymous]"), Offset: address - m.start + m.offset}
		if strings.HasPrefix(m.file, "/") {
			f.Function, f.Offset = u.files.symbol(m.inode, filepath.Join(dir, "root", m.file), f.Offset)
		}
		return f
	}
	return profile.Frame{Module: "[unknown]", Offset: address}
}

// elfFiles are the symbols of executables and libraries, by device and inode.
type elfFiles struct{ byInode map[string]*elfSymbols }

func newELFFiles() *elfFiles { return &elfFiles{map[string]*elfSymbols{}} }

// Bounds on what is read and kept for names alone.
const (
	maxELFSize  = 256 << 20
	maxELFFiles = 256
)

// symbol is the function at an offset into a file, and the offset into that; without one, what it was given.
func (e *elfFiles) symbol(inode, path string, offset uint64) (string, uint64) {
	s, known := e.byInode[inode]
	if !known {
		if len(e.byInode) >= maxELFFiles {
			clear(e.byInode)
		}
		s, _ = readELF(path) // without symbols addresses stay numbers
		e.byInode[inode] = s
	}
	if s == nil {
		return "", offset
	}
	return s.symbol(offset)
}

// elfSymbols are the functions of a file by the address it was linked for, and where in the file its segments lie.
type elfSymbols struct {
	segments  []elf.ProgHeader
	functions []elf.Symbol
}

func readELF(path string) (*elfSymbols, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxELFSize {
		return nil, fmt.Errorf("%s: not a file of at most %d MiB", path, maxELFSize>>20)
	}
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &elfSymbols{}
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			s.segments = append(s.segments, p.ProgHeader)
		}
	}
	table, _ := f.Symbols()
	dynamic, _ := f.DynamicSymbols()
	for _, symbol := range append(table, dynamic...) {
		if elf.ST_TYPE(symbol.Info) == elf.STT_FUNC && symbol.Value != 0 {
			s.functions = append(s.functions, symbol)
		}
	}
	if len(table) == 0 {
		s.functions = append(s.functions, goFunctions(f)...)
	}
	slices.SortStableFunc(s.functions, func(a, b elf.Symbol) int { return cmp.Compare(a.Value, b.Value) })
	return s, nil
}

func (s *elfSymbols) symbol(offset uint64) (string, uint64) {
	for _, p := range s.segments {
		if offset < p.Off || offset-p.Off >= p.Filesz {
			continue
		}
		address := offset - p.Off + p.Vaddr
		i, found := slices.BinarySearchFunc(s.functions, address, func(f elf.Symbol, at uint64) int { return cmp.Compare(f.Value, at) })
		if !found {
			i--
		}
		if i >= 0 && (s.functions[i].Size == 0 || address-s.functions[i].Value < s.functions[i].Size) {
			return s.functions[i].Name, address - s.functions[i].Value
		}
	}
	return "", offset
}

// goFunctions are those of a Go program, which has them for its own use also where its symbols were stripped.
func goFunctions(f *elf.File) (all []elf.Symbol) {
	lines, text := f.Section(".gopclntab"), f.Section(".text")
	if lines == nil || text == nil {
		return nil
	}
	data, err := lines.Data()
	if err != nil {
		return nil
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return nil
	}
	for _, fn := range table.Funcs {
		all = append(all, elf.Symbol{Name: fn.Name, Value: fn.Entry, Size: fn.End - fn.Entry})
	}
	return all
}
