package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/tracer"
)

const (
	lsmBPF = "bpf"
	lsmAll = "all"

	// The names of the rows of tracer.Total beside those of all modules, and beside those of some.
	framework = "framework"
	remainder = "remainder"
)

// lsmFlags say which security modules are measured, and on which hooks.
type lsmFlags struct {
	names []string // nil: bpf
	hooks []string // globs; nil: all that are not called very often
	texts appArmorTexts

	functions []tracer.Function // to measure; see find
	left      []tracer.Function // of the modules, but not measured
}

func (o *lsmFlags) flags(f *cmdline.Flags) {
	f.StringSliceVar(&o.names, "lsm", nil, "Measure these security modules: bpf, any other that is active, all of "+
		"them (all), or what they take together (total). The default is bpf.")
	f.Values("lsm", lsmChoices)
	f.Var(cmdline.Globs(&o.hooks), "hook", "Measure only hooks that match one of these globs. Very frequent hooks "+
		"of security modules other than BPF are measured only if a glob matches them.")
}

func lsmChoices() []string { return append([]string{lsmBPF, lsmAll, lsm.Total}, lsm.ModuleNames()...) }

func (o *lsmFlags) validate() error {
	for _, name := range o.names {
		if !slices.Contains(lsmChoices(), name) {
			return fmt.Errorf("--lsm %s: must be %s%s", name, strings.Join(lsmChoices(), ", "),
				cmdline.DidYouMean(name, lsmChoices()))
		}
	}
	if o.texts.dir != "" && !o.measures("apparmor") {
		return errors.New("--apparmor-profiles needs --lsm apparmor or --lsm all")
	}
	return nil
}

// measures reports whether a security module is measured: bpf, apparmor, total.
func (o *lsmFlags) measures(name string) bool {
	if len(o.names) == 0 {
		return name == lsmBPF
	}
	return slices.Contains(o.names, name) || slices.Contains(o.names, lsmAll)
}

// others reports whether anything but BPF programs is measured.
func (o *lsmFlags) others() bool {
	return slices.ContainsFunc(o.names, func(name string) bool { return name != lsmBPF })
}

// find looks for the functions of the modules. selects says which of them the other flags select.
func (o *lsmFlags) find(programs []tracer.Program, selects func(tracer.Function) bool) error {
	if !o.others() {
		return nil
	}
	if err := o.texts.read(); err != nil {
		return err
	}
	active, err := kernel.LSMs()
	if err != nil {
		return fmt.Errorf("--lsm: %w", err)
	}
	for _, name := range o.names {
		if name != lsmAll && name != lsm.Total && !slices.Contains(active, name) {
			return fmt.Errorf("--lsm %s: it is not active; active are %s. Add it to lsm= on the kernel's "+
				"command line", name, strings.Join(active, ", "))
		}
	}
	all, err := tracer.Functions(append(active, lsm.Total))
	if err != nil {
		return fmt.Errorf("--lsm: %w", err)
	}
	used := map[string]bool{} // hooks that any module is on
	for _, p := range programs {
		used[p.Hook] = used[p.Hook] || p.Attached()
	}
	o.functions, o.left = nil, nil
	for _, f := range all {
		if f.LSM != lsm.Total {
			used[f.Hook] = true
		} else {
			f.Enforcer = o.nameOfTotal(active)
		}
		switch {
		case !o.measures(f.LSM) || !used[f.Hook] || !selects(f) || !matchesAny(o.hooks, f.Hook):
		case f.Unavailable != "" || f.Frequent && len(o.hooks) == 0:
			o.left = append(o.left, f)
		default:
			o.functions = append(o.functions, f)
		}
	}
	return nil
}

// nameOfTotal returns the name for the rows of tracer.Total. It depends on which of the active modules have rows of
// their own: with none, these rows are the total; with all, the framework; with some, the remainder.
func (o *lsmFlags) nameOfTotal(active []string) string {
	n := 0
	for _, name := range active {
		if o.measures(name) {
			n++
		}
	}
	switch n {
	case 0:
		return lsm.Total
	case len(active):
		return framework
	}
	return remainder
}

// notes say which functions are not measured, and why.
func (o *lsmFlags) notes() (notes []string) {
	frequent := map[string]bool{}
	byReason := map[string][]string{}
	for _, f := range o.left {
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
		notes = append(notes, fmt.Sprintf("%s that %s called very often %s measured "+
			"only if --hook names %s: %s",
			text.Plural(len(frequent), "hook"), are, are, them,
			strings.Join(slices.Sorted(maps.Keys(frequent)), ", ")))
	}
	return notes
}
