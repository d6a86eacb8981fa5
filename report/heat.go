package report

import (
	"cmp"
	"slices"
)

// heat is the mean hook cost of a call under one scenario, by syscall and hook. It covers all tests; each call counts
// as often as an operation makes it.
type heat struct {
	scenario        string
	syscalls, hooks []string
	mean            map[[2]string]float64 // ns, by syscall and hook
	share           map[[2]string]float64 // of the syscall's own time, if known
	largest         float64
}

// heaviest returns the scenario whose hooks cost most over all tests, or the last scenario if no hook was measured.
func (r *Report) heaviest() string {
	if len(r.Scenarios) == 0 {
		return ""
	}
	cost := map[string]float64{}
	for _, h := range r.Hooks {
		if h.Share != nil {
			cost[h.Scenario] += *h.Share
		}
	}
	best := r.Scenarios[len(r.Scenarios)-1].Name
	for _, s := range r.Scenarios {
		if cost[s.Name] > cost[best] {
			best = s.Name
		}
	}
	return best
}

func (r *Report) heatOf(scenario string) *heat {
	h := &heat{scenario: scenario, mean: map[[2]string]float64{}, share: map[[2]string]float64{}}
	calls, ns := map[[2]string]float64{}, map[[2]string]float64{}
	within, whole := map[[2]string]float64{}, map[[2]string]float64{} // of the tests whose syscalls were timed
	// a hook with several programs has several rows
	counted := map[[3]string]bool{}
	bySyscall, byHook := map[string]float64{}, map[string]float64{}
	for _, row := range r.Hooks {
		if row.Scenario != scenario || row.Calls == 0 {
			continue
		}
		key := [2]string{row.Syscall, row.Hook}
		calls[key] += row.Calls
		ns[key] += row.HookNs
		if row.SyscallNs != nil {
			within[key] += row.HookNs
			if test := [3]string{row.Test, row.Syscall, row.Hook}; !counted[test] {
				counted[test] = true
				whole[key] += row.syscall
			}
		}
		bySyscall[row.Syscall] += row.HookNs
		byHook[row.Hook] += row.HookNs
	}
	for key, n := range calls {
		h.mean[key] = ns[key] / n
		h.largest = max(h.largest, h.mean[key])
	}
	for key, n := range whole {
		h.share[key] = within[key] / n
	}
	h.syscalls, h.hooks = byCost(bySyscall), byCost(byHook)
	return h
}

// byCost returns the names, the most expensive first.
func byCost(cost map[string]float64) []string {
	names := make([]string, 0, len(cost))
	for n := range cost {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(cost[b], cost[a]),
			cmp.Compare(a, b))
	})
	return names
}
