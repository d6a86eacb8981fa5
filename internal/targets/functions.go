package targets

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

// Functions are the functions of security modules that a selection selects.
type Functions struct {
	Measured []tracer.Function
	left     []tracer.Function // see Notes
}

// Functions looks for the functions of the security modules other than BPF. programs are those of the machine: hooks
// that neither they nor any module are on are left out. It fails if a selected module is not active.
func (s *Selection) Functions(programs []tracer.Program) (out Functions, err error) {
	if !s.Others() {
		return out, nil
	}
	active, err := kernel.LSMs()
	if err != nil {
		return out, err
	}
	for _, name := range s.LSMs {
		if name != All && name != lsm.Total && !slices.Contains(active, name) {
			return out, fmt.Errorf("%s is not active; active are %s. Add it to lsm= on "+
				"the kernel's command line", name, strings.Join(active, ", "))
		}
	}
	all, err := tracer.Functions(append(active, lsm.Total))
	if err != nil {
		return out, err
	}
	used := map[string]bool{} // hooks that any module is on
	for _, p := range programs {
		used[p.Hook] = used[p.Hook] || p.Attached()
	}
	for _, f := range all {
		if f.LSM != lsm.Total {
			used[f.Hook] = true
		} else {
			f.Enforcer = s.nameOfTotal(active)
		}
		switch {
		case !used[f.Hook] || !s.function(f):
		case f.Unavailable != "" || f.Frequent && len(s.Hooks) == 0:
			out.left = append(out.left, f)
		default:
			out.Measured = append(out.Measured, f)
		}
	}
	return out, nil
}

// function reports whether a function is selected.
func (s *Selection) function(f tracer.Function) bool {
	return s.Measures(f.LSM) && matches(s.Hooks, f.Hook) && matches(s.Programs, f.Name) &&
		(len(s.Enforcers) == 0 || slices.Contains(s.Enforcers, f.Owner()))
}

// nameOfTotal returns the name for the rows of lsm.Total. It depends on which of the active modules have rows of their
// own: with none, these rows are the total; with all, the framework; with some, the remainder.
func (s *Selection) nameOfTotal(active []string) string {
	n := 0
	for _, name := range active {
		if s.Measures(name) {
			n++
		}
	}
	switch n {
	case 0:
		return lsm.Total
	case len(active):
		return "framework"
	}
	return "remainder"
}

// Notes say which functions are selected but not measured, and why. option names hooks: --hook.
func (f *Functions) Notes(option string) (notes []string) {
	frequent := map[string]bool{}
	byReason := map[string][]string{}
	for _, f := range f.left {
		if f.Unavailable != "" {
			byReason[f.Unavailable] = append(byReason[f.Unavailable], f.Name)
		} else {
			frequent[f.Hook] = true
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		notes = append(notes, fmt.Sprintf("%s cannot be measured, because %s",
			strings.Join(byReason[reason], ", "), reason))
	}
	if len(frequent) > 0 {
		are, them := "are", "them"
		if len(frequent) == 1 {
			are, them = "is", "it"
		}
		notes = append(notes, fmt.Sprintf("%s that %s called very often %s measured only if %s names %s: %s",
			text.Plural(len(frequent), "hook"), are, are, option, them,
			strings.Join(slices.Sorted(maps.Keys(frequent)), ", ")))
	}
	return notes
}
