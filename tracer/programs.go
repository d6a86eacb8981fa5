package tracer

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/lsm"
)

// Program is a loaded BPF LSM program.
type Program struct {
	ID        ebpf.ProgramID
	Name      string // full BTF function name, or the first 15 characters if HasBTF is false
	HasBTF    bool
	Hook      string // file_open
	Sleepable bool
	Links     []link.ID // none: the program is loaded, but not attached
	Position  int       // among the attached programs on its hook: 0 for the oldest
	Maps      []ebpf.MapID
	// Refused says that an LSM keeps the program from being opened: its maps are unknown, and it takes no probes
	// of its own.
	Refused bool
}

// Attached reports whether the program is attached to its hook, and so runs.
func (p Program) Attached() bool { return len(p.Links) > 0 }

// Programs lists every loaded BPF LSM program, by id, including those that refuse to be opened. It needs root.
func Programs() ([]Program, error) {
	all, err := listPrograms()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	links, unresolved, err := linksOfPrograms()
	if err != nil {
		return nil, err
	}
	progs := all[:0]
	for _, p := range all {
		err := p.describe()
		if errors.Is(err, os.ErrNotExist) {
			continue // unloaded since it was listed
		}
		if err != nil {
			return nil, err
		}
		p.Links = links[p.ID]
		if p.Refused && !p.Attached() {
			p.Links = unresolved
		}
		progs = append(progs, p)
	}
	place(progs)
	return progs, nil
}

// place numbers the attached programs of each hook.
func place(progs []Program) {
	byAge := make([]*Program, 0, len(progs))
	for i := range progs {
		if progs[i].Attached() {
			byAge = append(byAge, &progs[i])
		}
	}
	slices.SortFunc(byAge, func(a, b *Program) int { return cmp.Compare(a.Links[0], b.Links[0]) })
	next := map[string]int{}
	for _, p := range byAge {
		p.Position = next[p.Hook]
		next[p.Hook]++
	}
}

// describe reads the program's maps, which needs it open. It sets Refused if an LSM keeps it from being opened.
func (p *Program) describe() error {
	prog, err := ebpf.NewProgramFromID(p.ID)
	if errors.Is(err, os.ErrPermission) {
		p.Refused = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("open BPF program %d: %w", p.ID, err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return fmt.Errorf("read BPF program %d: %w", p.ID, err)
	}
	p.Maps, _ = info.MapIDs()
	return nil
}

// linksOfPrograms returns the links of each program: a program is in force through a link, not by being loaded.
// Before Linux 5.19 no iterator lists links. Those that refuse to be opened are then unresolved: each may belong to
// any program that refuses too.
func linksOfPrograms() (links map[ebpf.ProgramID][]link.ID, unresolved []link.ID, err error) {
	links = map[ebpf.ProgramID][]link.ID{}
	refused, err := lsm.EachLink(func(id link.ID, l link.Link) {
		if info, err := l.Info(); err == nil { // else it was detached meanwhile
			links[info.Program] = append(links[info.Program], id)
		}
	})
	if err != nil || len(refused) == 0 {
		return links, nil, err
	}
	listed, err := listLinks()
	if err != nil {
		return links, refused, nil
	}
	for _, id := range refused {
		if program, ok := listed[id]; ok {
			links[program] = append(links[program], id)
			slices.Sort(links[program])
		}
	}
	return links, nil, nil
}

func hookName(function string) string { return strings.TrimPrefix(function, lsm.HookPrefix) }
