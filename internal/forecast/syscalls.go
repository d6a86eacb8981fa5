package forecast

import (
	"cmp"
	"slices"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/stats"
)

// Syscall is what a benchmark knows of one: how long it takes without hooks, and how often one call of it calls a hook.
type Syscall struct {
	Name  string             `json:"syscall"`
	Ns    float64            `json:"ns"`         // median of the tests
	Hooks map[string]float64 `json:"hook_calls"` // by hook
}

// syscallsOf returns the syscalls that the benchmark timed, by name.
func syscallsOf(run *rundir.Run) []Syscall {
	ns := map[string][]float64{}
	hooks := map[string]map[string][]float64{}
	for _, cells := range run.Explained {
		for _, e := range cells {
			for _, s := range e.Syscalls {
				if s.Calls < fewest || s.Ns <= 0 {
					continue
				}
				inHooks, calls := 0.0, map[string]float64{}
				for _, r := range e.Rows {
					if r.Syscall == s.Syscall {
						inHooks += r.HookNs
						calls[r.Hook] = max(calls[r.Hook], r.Calls/s.Calls)
					}
				}
				if rest := (s.Ns - inHooks) / s.Calls; rest > 0 && inHooks > 0 {
					ns[s.Syscall] = append(ns[s.Syscall], rest)
					if hooks[s.Syscall] == nil {
						hooks[s.Syscall] = map[string][]float64{}
					}
					for hook, n := range calls {
						hooks[s.Syscall][hook] = append(hooks[s.Syscall][hook], n)
					}
				}
			}
		}
	}
	var out []Syscall
	for name, all := range ns {
		s := Syscall{Name: name, Ns: stats.Median(all), Hooks: map[string]float64{}}
		for hook, n := range hooks[name] {
			s.Hooks[hook] = stats.Median(n)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Syscall) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// syscall returns the syscall of this name, or nil.
func (m *Model) syscall(name string) *Syscall {
	for i := range m.Syscalls {
		if m.Syscalls[i].Name == name {
			return &m.Syscalls[i]
		}
	}
	return nil
}
