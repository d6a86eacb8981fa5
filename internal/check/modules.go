package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/lsm"
)

// judgeModules says what --lsm can measure of the active security modules beside BPF, and why not the rest. It never
// fails: nothing else needs them.
func judgeModules(f *Facts) Item {
	const name = "other LSMs"
	if f.FunctionsErr != nil {
		return ok(name, "unknown").warn(f.FunctionsErr.Error(), "")
	}
	var measured, missing []string
	for _, module := range f.LSMs {
		if module == "bpf" {
			continue
		}
		n := 0
		for _, fn := range f.Functions {
			switch {
			case fn.LSM != module:
			case fn.Unavailable != "":
				missing = append(missing, fmt.Sprintf("%s (%s)", fn.Name, fn.Unavailable))
			default:
				n++
			}
		}
		_, known := lsm.FindModule(module)
		switch {
		case n > 0:
			measured = append(measured, fmt.Sprintf("%s %d", module, n))
		case !known:
			missing = append(missing, module+" (lsmprof does not know its functions)")
		case !slices.ContainsFunc(missing, func(s string) bool { return strings.HasPrefix(s, module+"_") }):
			missing = append(missing, module+" (this kernel shows none of its functions)")
		}
	}
	i := ok(name, "none")
	if len(measured) > 0 {
		i.Value = "functions that --lsm measures: " + strings.Join(measured, ", ")
	}
	if len(missing) > 0 {
		i.Reason = "--lsm cannot measure " + strings.Join(missing, ", ")
	}
	return i
}
