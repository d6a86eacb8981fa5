// Package targets chooses what is measured: BPF LSM programs, and functions of the other security modules.
package targets

import (
	"path"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/tracer"
)

// Names of security modules beside those of lsm.ModuleNames.
const (
	BPF = "bpf"
	All = "all" // every active module
)

// Selection says which programs and functions are measured. The zero value selects all BPF LSM programs.
type Selection struct {
	LSMs      []string // security modules, All, or lsm.Total; nil: BPF
	Hooks     []string // globs; nil: all, but of functions only those that are not called very often
	Enforcers []string // owners; tracer.Generic stands for all that lsmprof does not know; nil: all
	Programs  []string // globs for names of programs and functions; nil: all
}

// Choices returns the names that LSMs may have.
func Choices() []string { return append([]string{BPF, All, lsm.Total}, lsm.ModuleNames()...) }

// Measures reports whether a security module is measured: bpf, apparmor, total.
func (s *Selection) Measures(module string) bool {
	if len(s.LSMs) == 0 {
		return module == BPF
	}
	return slices.Contains(s.LSMs, module) || slices.Contains(s.LSMs, All)
}

// Others reports whether anything but BPF programs is measured.
func (s *Selection) Others() bool {
	return slices.ContainsFunc(s.LSMs, func(name string) bool { return name != BPF })
}

// Program reports whether a program is selected. owner returns which enforcer owns it.
func (s *Selection) Program(p tracer.Program, owner func(tracer.Program) string) bool {
	if !s.Measures(BPF) || !matches(s.Programs, p.Name) || !matches(s.Hooks, p.Hook) {
		return false
	}
	return len(s.Enforcers) == 0 || slices.ContainsFunc(s.Enforcers, func(name string) bool {
		o := owner(p)
		return name == o || name == tracer.Generic && strings.HasPrefix(o, tracer.Generic+":")
	})
}

// matches reports whether a name matches one of the globs. Without globs everything matches.
func matches(globs []string, name string) bool {
	return len(globs) == 0 || slices.ContainsFunc(globs, func(glob string) bool {
		ok, _ := path.Match(glob, name)
		return ok
	})
}
