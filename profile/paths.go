package profile

import (
	"path"
	"strconv"
	"strings"

	pprof "github.com/google/pprof/profile"

	"github.com/lsmprof/lsmprof/internal/text"
)

// path returns the locations of a path inside a program, leaf first: the helpers that a line called, the line, its
// function, and so on up to the program, if the row is that of a whole hook.
func (b *builder) path(c *Cost, p *Path) (all []*pprof.Location) {
	for _, code := range p.Code {
		if code.Program == "" {
			all = append(all, b.location(code.Module, FrameName(LevelHelper, code.Function)))
			continue
		}
		mapping := owner(c)
		if code.File != "" {
			name := FrameName(LevelLine, b.lineName(code))
			all = append(all, b.line(mapping, function{name, code.File}, code.Line))
		}
		f := function{FrameName(LevelFunction, code.Function), code.File}
		all = append(all, b.line(mapping, f, code.Line))
	}
	if c.Program.Scope == ScopeHook {
		all = append(all, b.location(owner(c), FrameName(LevelProgram, p.Program)))
	}
	return all
}

// lineName returns the name of a line's frame: enforcer.bpf.c:84 rule = bpf_map_lookup_elem(rules, &key).
func (b *builder) lineName(c Code) string {
	name := path.Base(c.File) + ":" + strconv.Itoa(c.Line)
	if line := CodeOf(b.texts[sourceKey{c.Program, c.File, c.Line}]); line != "" {
		name += " " + line
	}
	// pprof takes the part before the last slash for a folder.
	return strings.ReplaceAll(name, "/", "∕")
}

// CodeOf returns the text of a line without its indentation and comments.
func CodeOf(line string) string {
	for {
		before, rest, found := strings.Cut(line, "/*")
		if !found {
			break
		}
		_, after, _ := strings.Cut(rest, "*/")
		line = before + after
	}
	line, _, _ = strings.Cut(line, "//")
	return text.Printable(strings.Join(strings.Fields(line), " "))
}

// sourceKey identifies a line of a program's source.
type sourceKey struct {
	program, file string
	line          int
}

// texts returns the texts of all lines.
func (in *Inside) texts() map[sourceKey]string {
	if in == nil {
		return nil
	}
	all := map[sourceKey]string{}
	for _, p := range in.Programs {
		for _, l := range p.Lines {
			all[sourceKey{p.Program, l.File, l.Line}] = l.Text
		}
	}
	return all
}

// counts returns how often each path was sampled.
func counts(paths []Path) []uint64 {
	n := make([]uint64, len(paths))
	for i, p := range paths {
		n[i] = p.Count
	}
	return n
}
