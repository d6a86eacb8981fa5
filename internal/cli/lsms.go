package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/targets"
)

// lsmFlags add to a selection which security modules are measured, and on which hooks.
func lsmFlags(f *cmdline.Flags, s *targets.Selection) {
	f.StringSliceVar(&s.LSMs, "lsm", nil, "Measure these security modules: bpf, any other that is active, all of "+
		"them (all), or what they take together (total). The default is bpf.")
	f.Values("lsm", targets.Choices)
	f.Var(cmdline.Globs(&s.Hooks), "hook", "Measure only hooks that match one of these globs. Very frequent hooks "+
		"of security modules other than BPF are measured only if a glob matches them.")
}

func checkLSMs(s *targets.Selection) error {
	for _, name := range s.LSMs {
		if choices := targets.Choices(); !slices.Contains(choices, name) {
			return fmt.Errorf("--lsm %s: must be %s%s", name, strings.Join(choices, ", "),
				cmdline.DidYouMean(name, choices))
		}
	}
	return nil
}
