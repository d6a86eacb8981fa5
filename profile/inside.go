package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Inside says how the insides of programs were sampled.
type Inside struct {
	Event string // what interrupted the CPUs: cycles:pp, cycles or cpu-clock
	Hz    int    // interrupts of each CPU per second
	// Samples are in the paths of rows. The others are in no row: Own interrupted lsmprof's probes, Other a program
	// whose caller among the programs is unknown, Lost were dropped because a buffer was full, and Unknown had no
	// stack from the kernel.
	Samples, Own, Other, Lost, Unknown uint64
	Programs                           []Source
}

// Source is what is known of the source of one BPF program. With ScopeHook there are several for a Program.
type Source struct {
	Program string
	Without string       // why its lines are unknown; "": they are known
	Lines   []SourceLine // from which an instruction comes; by file and line
}

// SourceLine is one line of a program's source.
type SourceLine struct {
	File string `json:"file"` // relative, with slashes
	Line int    `json:"line"`
	Text string `json:"text"` // with its indentation
}

// Path is where calls of a program were interrupted.
type Path struct {
	Program string // BPF program that the hook ran
	Code    []Code // innermost first; the last one is in the function that the hook called
	Count   uint64
}

// Code is a function in a path and, if it belongs to a program, the line that it was at.
type Code struct {
	Program  string // BPF program that contains the function; "" for a function of the kernel
	Function string
	Module   string // with a function of the kernel: [kernel], or a module as [nf_tables]
	File     string // "": the line is unknown
	Line     int
}

// Key returns a string that is equal for two paths of one program if their code is.
func (p Path) Key() string {
	var b strings.Builder
	b.WriteString(p.Program)
	for _, c := range p.Code {
		fmt.Fprintf(&b, "\n%s %s %s %s:%d", c.Program, c.Function, c.Module, c.File, c.Line)
	}
	return b.String()
}

// String returns the place as path:line or, if the line is unknown, the function's name.
func (c Code) String() string {
	if c.File == "" {
		return text.Printable(c.Function)
	}
	return text.Printable(fmt.Sprintf("%s:%d", c.File, c.Line))
}

// Compare orders lines by file and number.
func (l SourceLine) Compare(other SourceLine) int {
	return cmp.Or(cmp.Compare(l.File, other.File), cmp.Compare(l.Line, other.Line), cmp.Compare(l.Text, other.Text))
}

// SourceFiles returns the sources of all programs by path, as far as they are known: lines that made no instructions
// are empty. All files together have at most a million lines, and a line 1,000 characters: line information is
// chosen by those who load programs.
func (in *Inside) SourceFiles() map[string]string {
	if in == nil {
		return nil
	}
	lines := map[string]map[int]string{}
	for _, p := range in.Programs {
		for _, l := range p.Lines {
			if l.File == "" || l.Line < 1 || l.Line > mostLines {
				continue
			}
			if lines[l.File] == nil {
				lines[l.File] = map[int]string{}
			}
			lines[l.File][l.Line] = text.Clean(strings.ReplaceAll(l.Text, "\t", "    "), longestLine, "")
		}
	}
	files, left := make(map[string]string, len(lines)), mostLines
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		numbers := slices.Sorted(maps.Keys(lines[name]))
		last := numbers[len(numbers)-1]
		if left -= last; left < 0 {
			break
		}
		var b strings.Builder
		next := 1
		for _, n := range numbers {
			b.WriteString(strings.Repeat("\n", n-next))
			b.WriteString(lines[name][n] + "\n")
			next = n + 1
		}
		files[name] = b.String()
	}
	return files
}

const (
	mostLines   = 1 << 20
	longestLine = 1000 // characters
)

// WithInside returns the snapshot with the samples that another recording took of the same programs: each row takes the
// paths of the row of the same name. So a recording that was not interrupted tells what they cost.
func (s Snapshot) WithInside(sampled Snapshot) Snapshot {
	type key struct {
		hook, program, syscall string
		mntns                  uint32
		rules                  int
	}
	keyOf := func(s *Snapshot, r *Row) key {
		p := &s.Programs[r.Program]
		return key{p.Hook, p.Name, r.Syscall, r.Workload.MntNS, r.Rules}
	}
	paths := map[key][]Path{}
	for i := range sampled.Rows {
		k := keyOf(&sampled, &sampled.Rows[i])
		paths[k] = append(paths[k], sampled.Rows[i].Paths...)
	}
	out := s
	out.Rows = slices.Clone(s.Rows)
	if sampled.Inside == nil {
		return out
	}
	in := *sampled.Inside
	in.Samples = 0
	for i := range out.Rows {
		r := &out.Rows[i]
		r.Paths = paths[keyOf(&out, r)]
		for _, p := range r.Paths {
			in.Samples += p.Count
		}
	}
	out.Inside = &in
	return out
}
