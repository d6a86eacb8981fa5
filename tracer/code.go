package tracer

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/profile"
)

// code says what lies at the addresses of JITed programs.
type code struct {
	functions []codeFunction // by address
	programs  map[ebpf.ProgramID]*codeProgram
}

// codeProgram is a program whose addresses are known.
type codeProgram struct {
	id   ebpf.ProgramID
	name string
	own  bool // one of lsmprof's probes
	// tailOf are the programs that may have called this one with a tail call.
	tailOf []ebpf.ProgramID
	// lines are those of which instructions are left, with their texts; without is why there are none.
	lines   []profile.SourceLine
	without string
}

// codeFunction is one function of a program: the program itself, or a subprogram.
type codeFunction struct {
	start, end uint64
	program    *codeProgram
	main       bool // the function that the kernel calls
	name       string
	lines      []codeLine // by address
}

// codeLine is the first instruction of a line.
type codeLine struct {
	address uint64
	file    string
	line    int
}

// place returns the function that an address is in; nil if that is in no known program.
func (c *code) place(address uint64) *codeFunction {
	i, found := slices.BinarySearchFunc(c.functions, address, func(f codeFunction, a uint64) int {
		return cmp.Compare(f.start, a)
	})
	if !found {
		i--
	}
	if i < 0 || address >= c.functions[i].end {
		return nil
	}
	return &c.functions[i]
}

// at describes an address in the function.
func (f *codeFunction) at(address uint64) profile.Code {
	out := profile.Code{Program: f.program.name, Function: f.name}
	i, found := slices.BinarySearchFunc(f.lines, address, func(l codeLine, a uint64) int {
		return cmp.Compare(l.address, a)
	})
	if !found {
		i--
	}
	if i >= 0 {
		out.File, out.Line = f.lines[i].file, f.lines[i].line
	}
	return out
}

// bounds returns the first address of all programs, and the length up to the last.
func (c *code) bounds() (first, length uint64) {
	if len(c.functions) == 0 {
		return 0, 0
	}
	first = c.functions[0].start
	return first, c.functions[len(c.functions)-1].end - first
}

// add adds a program. It keeps the functions sorted.
func (c *code) add(p *codeProgram, functions []codeFunction) {
	if c.programs == nil {
		c.programs = map[ebpf.ProgramID]*codeProgram{}
	}
	c.programs[p.id] = p
	c.functions = append(c.functions, functions...)
	slices.SortFunc(c.functions, func(a, b codeFunction) int { return cmp.Compare(a.start, b.start) })
}

// remove forgets a program: the kernel may load another one at its addresses.
func (c *code) remove(id ebpf.ProgramID) {
	delete(c.programs, id)
	c.functions = slices.DeleteFunc(c.functions, func(f codeFunction) bool { return f.program.id == id })
}

// Reasons why the inside of a program is not known.
const (
	withoutAddresses = "the kernel hides the addresses of programs: set kernel.kptr_restrict to 0 or 1"
	withoutLines     = "the program has no line information: build it with -g, and keep .BTF.ext"
	withoutBTF       = "the program has no BTF: build it with -g"
)

// readCode finds out where a program lies, and which line each of its instructions comes from.
func readCode(id ebpf.ProgramID, name string) (*codeProgram, []codeFunction, []ebpf.ProgramID, error) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("open program %d: %w", id, err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read program %d: %w", id, err)
	}
	p := &codeProgram{id: id, name: cmp.Or(name, info.Name)}
	starts, _ := info.JitedKsymAddrs()
	lengths, _ := info.JitedFuncLens()
	if len(lengths) == 0 {
		if size, err := info.JitedSize(); err == nil && size > 0 {
			lengths = []uint32{size}
		}
	}
	if len(starts) == 0 || starts[0] == 0 {
		p.without = withoutAddresses
		return p, nil, nil, nil
	}
	functions := make([]codeFunction, 0, len(starts))
	names := functionNames(info)
	for i, start := range starts {
		if i >= len(lengths) {
			break
		}
		f := codeFunction{
			start: uint64(start), end: uint64(start) + uint64(lengths[i]), program: p, main: i == 0,
		}
		switch {
		case i < len(names):
			f.name = names[i]
		case i == 0:
			f.name = p.name
		default:
			f.name = fmt.Sprintf("%s subprogram %d", p.name, i)
		}
		functions = append(functions, f)
	}
	p.addLines(info, functions)
	return p, functions, tailCalls(info), nil
}

// functionNames returns the names of a program's functions; none without BTF.
func functionNames(info *ebpf.ProgramInfo) (names []string) {
	funcs, err := info.FuncInfos()
	if err != nil {
		return nil
	}
	for _, f := range funcs {
		names = append(names, f.Func.Name)
	}
	return names
}

// addLines finds the lines of the functions.
func (p *codeProgram) addLines(info *ebpf.ProgramInfo, functions []codeFunction) {
	if _, ok := info.BTFID(); !ok {
		p.without = withoutBTF
		return
	}
	addresses, _ := info.JitedLineInfos()
	lines, err := info.LineInfos()
	if err != nil || len(addresses) != len(lines) || len(lines) == 0 {
		p.without = withoutLines
		return
	}
	texts := map[profile.SourceLine]bool{}
	for i := range functions {
		f := &functions[i]
		for j, address := range addresses {
			if address < f.start || address >= f.end {
				continue
			}
			l := lines[j].Line
			file := sourcePath(l.FileName())
			f.lines = append(f.lines, codeLine{address, file, int(l.LineNumber())})
			texts[profile.SourceLine{File: file, Line: int(l.LineNumber()), Text: l.Line()}] = true
		}
		slices.SortStableFunc(f.lines, func(a, b codeLine) int { return cmp.Compare(a.address, b.address) })
	}
	for l := range texts {
		p.lines = append(p.lines, l)
	}
	slices.SortFunc(p.lines, profile.SourceLine.Compare)
}

// The limits of a path in line information. The names come from those who load programs, and lsmprof makes
// files of them.
const (
	maxSourceName  = 60 // characters of a part of the path; file systems take 255 bytes
	maxSourceParts = 32 // the last ones are kept
)

// sourcePath returns a file name of line information as a relative path without `..` and of printable characters: it
// becomes a path below a folder of sources.
func sourcePath(name string) string {
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			parts = parts[:max(0, len(parts)-1)]
		default:
			parts = append(parts, text.Clean(part, maxSourceName, `\`))
		}
	}
	return strings.Join(parts[max(0, len(parts)-maxSourceParts):], "/")
}

// tailCalls returns the programs in the program's arrays of programs.
func tailCalls(info *ebpf.ProgramInfo) (ids []ebpf.ProgramID) {
	maps, _ := info.MapIDs()
	for _, id := range maps {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue
		}
		if m.Type() == ebpf.ProgramArray {
			var key, value uint32
			for all := m.Iterate(); all.Next(&key, &value); {
				ids = append(ids, ebpf.ProgramID(value))
			}
		}
		m.Close()
	}
	return ids
}

// follow adds a program and all that it may call with tail calls. It returns an error only for the program itself.
func (c *code) follow(id ebpf.ProgramID, name string) error {
	type call struct{ from, to ebpf.ProgramID }
	root := id
	for queue := []call{{0, id}}; len(queue) > 0; queue = queue[1:] {
		next := queue[0]
		if p, ok := c.programs[next.to]; ok {
			if next.from != 0 && next.to != root && !slices.Contains(p.tailOf, root) {
				p.tailOf = append(p.tailOf, root)
			}
			continue
		}
		p, functions, calls, err := readCode(next.to, name)
		name = ""
		if errors.Is(err, os.ErrNotExist) || err != nil && next.from != 0 {
			continue
		}
		if err != nil {
			return err
		}
		if next.from != 0 {
			p.tailOf = []ebpf.ProgramID{root}
		}
		c.add(p, functions)
		for _, called := range calls {
			queue = append(queue, call{next.to, called})
		}
	}
	return nil
}
