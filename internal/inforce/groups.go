package inforce

import (
	"cmp"
	"os"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/tracer"
)

// groups splits programs that no product owns into enforcers, by name. Programs that one process holds, or that share a
// map, belong together. Enforcers of the same name, as of two processes that run one command, are one.
func groups(programs []tracer.Program) map[string][]tracer.Program {
	if len(programs) == 0 {
		return nil
	}
	holders, err := lsm.Holders()
	if err != nil {
		holders = nil // then maps alone decide
	}
	for id, all := range holders {
		// lsmprof's probes hold programs, too.
		holders[id] = slices.DeleteFunc(all, func(h lsm.Holder) bool { return h.PID == os.Getpid() })
	}
	return named(programs, holders)
}

func named(programs []tracer.Program, holders map[ebpf.ProgramID][]lsm.Holder) map[string][]tracer.Program {
	out := map[string][]tracer.Program{}
	for _, members := range connected(programs, holders) {
		name := groupName(members, holders)
		out[name] = append(out[name], members...)
	}
	return out
}

// connected splits programs into sets that are joined by holders and maps.
func connected(programs []tracer.Program, holders map[ebpf.ProgramID][]lsm.Holder) [][]tracer.Program {
	root := make([]int, len(programs))
	for i := range root {
		root[i] = i
	}
	join := func(i, j int) {
		from, to := root[i], root[j]
		for k := range root {
			if root[k] == from {
				root[k] = to
			}
		}
	}
	byMap, byPID := map[ebpf.MapID]int{}, map[int]int{}
	for i, p := range programs {
		for _, id := range p.Maps {
			if first, ok := byMap[id]; ok {
				join(i, first)
			}
			byMap[id] = i
		}
		for _, h := range holders[p.ID] {
			if first, ok := byPID[h.PID]; ok {
				join(i, first)
			}
			byPID[h.PID] = i
		}
	}
	var out [][]tracer.Program
	index := map[int]int{}
	for i, p := range programs {
		k, ok := index[root[i]]
		if !ok {
			k, index[root[i]] = len(out), len(out)
			out = append(out, nil)
		}
		out[k] = append(out[k], p)
	}
	return out
}

// groupName returns generic:COMMAND, the command of the oldest process that holds one of the programs. Without a
// holder, as for pinned programs, the first of the programs' names takes its place.
func groupName(members []tracer.Program, holders map[ebpf.ProgramID][]lsm.Holder) string {
	holder, _ := oldest(members, holders)
	first := slices.MinFunc(members, func(a, b tracer.Program) int { return cmp.Compare(a.Name, b.Name) })
	return tracer.Generic + ":" + cmp.Or(holder.Comm, first.Name)
}

// oldest returns the process with the lowest id that holds one of the programs, and whether there is one.
func oldest(programs []tracer.Program, holders map[ebpf.ProgramID][]lsm.Holder) (first lsm.Holder, ok bool) {
	for _, p := range programs {
		for _, h := range holders[p.ID] {
			if !ok || h.PID < first.PID {
				first, ok = h, true
			}
		}
	}
	return first, ok
}
