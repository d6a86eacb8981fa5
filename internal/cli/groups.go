package cli

import (
	"cmp"
	"os"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/tracer"
)

// group is programs of an enforcer that lsmprof does not know: those that the same process holds, or that share a map.
type group struct {
	name     string
	programs []tracer.Program
}

func (g group) owns(p tracer.Program) bool {
	return slices.ContainsFunc(g.programs, func(own tracer.Program) bool { return own.ID == p.ID })
}

// groupsOf groups programs. Groups of the same name, as those of two processes of one command, are one.
func groupsOf(progs []tracer.Program) []group {
	if len(progs) == 0 {
		return nil
	}
	holders, err := lsm.Holders()
	if err != nil {
		holders = nil // then the maps alone decide
	}
	for id, all := range holders {
		holders[id] = slices.DeleteFunc(all, func(h lsm.Holder) bool { return h.PID == os.Getpid() }) // our probes hold programs, too
	}
	byName := map[string]*group{}
	var order []*group
	for _, members := range connected(progs, holders) {
		name := groupName(members, holders)
		g := byName[name]
		if g == nil {
			g = &group{name: name}
			byName[name] = g
			order = append(order, g)
		}
		g.programs = append(g.programs, members...)
	}
	out := make([]group, len(order))
	for i, g := range order {
		slices.SortFunc(g.programs, func(a, b tracer.Program) int { return cmp.Compare(a.ID, b.ID) })
		out[i] = *g
	}
	return out
}

// connected splits programs into those that are joined by holders and maps.
func connected(progs []tracer.Program, holders map[ebpf.ProgramID][]lsm.Holder) [][]tracer.Program {
	root := make([]int, len(progs))
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
	for i, p := range progs {
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
	at := map[int]int{}
	for i, p := range progs {
		k, ok := at[root[i]]
		if !ok {
			k, at[root[i]] = len(out), len(out)
			out = append(out, nil)
		}
		out[k] = append(out[k], p)
	}
	return out
}

// groupName is generic:COMMAND of the oldest process that holds one of the programs. Programs that nobody holds go by the first one's name.
func groupName(members []tracer.Program, holders map[ebpf.ProgramID][]lsm.Holder) string {
	var oldest lsm.Holder
	for _, p := range members {
		for _, h := range holders[p.ID] {
			if oldest.PID == 0 || h.PID < oldest.PID {
				oldest = h
			}
		}
	}
	return tracer.Generic + ":" + cmp.Or(oldest.Comm, members[0].Name)
}
