package report

import (
	"cmp"
	"slices"
)

// heat is the hook cost of a call, by syscall and hook, of one scenario: over all tests, each call counted as often as an operation
// makes it.
type heat struct {
	scenario        string
	syscalls, hooks []string
	mean            map[[2]string]float64 // by syscall and hook
	largest         float64
}

func (r *Report) heatOf(scenario string) *heat {
	h := &heat{scenario: scenario, mean: map[[2]string]float64{}}
	calls, ns := map[[2]string]float64{}, map[[2]string]float64{}
	bySyscall, byHook := map[string]float64{}, map[string]float64{}
	for _, row := range r.Hooks {
		if row.Scenario != scenario || row.Calls == 0 {
			continue
		}
		key := [2]string{row.Syscall, row.Hook}
		calls[key] += row.Calls
		ns[key] += row.HookNs
		bySyscall[row.Syscall] += row.HookNs
		byHook[row.Hook] += row.HookNs
	}
	for key, n := range calls {
		h.mean[key] = ns[key] / n
		h.largest = max(h.largest, h.mean[key])
	}
	h.syscalls, h.hooks = byCost(bySyscall), byCost(byHook)
	return h
}

// byCost are the names, the most expensive first.
func byCost(cost map[string]float64) []string {
	names := make([]string, 0, len(cost))
	for n := range cost {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(cost[b], cost[a]), cmp.Compare(a, b)) })
	return names
}
