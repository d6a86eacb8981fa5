package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
)

// profileTime is what the profile runs take, and those that time the syscalls.
func profileTime(o *benchOptions, plan *rundir.Plan) string {
	if o.profile == "off" || o.enforcer == "none" {
		return ""
	}
	var total time.Duration
	for _, t := range plan.Tests {
		total += plan.ProfileDuration(t)
	}
	return fmt.Sprintf(", and %s for profile runs", total.Round(time.Second))
}

// dryRun prints what a bench would do.
func dryRun(w io.Writer, o *benchOptions, plan *rundir.Plan) error {
	var names []string
	for _, s := range plan.Scenarios {
		names = append(names, s.Name)
	}
	fmt.Fprintf(w, "scenarios: %s\norder: %s, seed %d\nruns: %d of each cell\n", strings.Join(names, ", "), plan.Order, plan.Seed, plan.Runs)
	fmt.Fprintf(w, "time: about %s%s\n\n", plan.Duration().Round(time.Second), profileTime(o, plan))
	t := &text.Table{Header: []string{"<TEST", "<KIND", "ROUNDS", "<HOOKS REACHED"}}
	reached := map[string]bool{}
	own := enforcerHooks(o.enforcer)
	for _, test := range plan.Tests {
		var hooks []string
		for _, h := range test.Hooks {
			if own[h] {
				hooks = append(hooks, h)
				reached[h] = true
			}
		}
		t.Add(test.Name, string(test.Kind), fmt.Sprint(plan.Rounds(test)), strings.Join(hooks, ", "))
	}
	if err := t.Print(w); err != nil {
		return err
	}
	var missing []string
	for h := range own {
		if !reached[h] {
			missing = append(missing, h)
		}
	}
	if len(missing) > 0 {
		sortStrings(missing)
		fmt.Fprintf(w, "\nhooks of the enforcer that no chosen test reaches: %s\n", strings.Join(missing, ", "))
	}
	return nil
}
