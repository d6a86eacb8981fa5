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

// Program is a BPF LSM program that is loaded.
type Program struct {
	ID        ebpf.ProgramID
	Name      string // full BTF function name; the 15 characters of bpf_prog_info where HasBTF is false
	HasBTF    bool
	Hook      string // file_open
	Sleepable bool
	Links     []link.ID // empty: loaded, not attached
	Position  int       // among the attached programs of its hook, oldest first
	Maps      []ebpf.MapID
}

// Attached says whether the program runs.
func (p Program) Attached() bool { return len(p.Links) > 0 }

// Programs lists every BPF LSM program that is loaded, by id. It needs root.
func Programs() ([]Program, error) {
	links, err := lsmLinks()
	if err != nil {
		return nil, err
	}
	progs, handles, err := lsmPrograms()
	defer func() {
		for _, p := range handles {
			p.Close()
		}
	}()
	if err != nil || len(progs) == 0 {
		return nil, err
	}
	if err := tellFacts(progs, handles); err != nil {
		return nil, err
	}
	for i := range progs {
		progs[i].Links = links[progs[i].ID]
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

// lsmPrograms returns the programs and, in the same order, a handle of each. The caller closes the handles, also after an error.
func lsmPrograms() (progs []Program, handles []*ebpf.Program, err error) {
	var id ebpf.ProgramID
	for {
		id, err = ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return progs, handles, nil
		}
		if err != nil {
			return progs, handles, fmt.Errorf("list BPF programs: %w; run as root, or with CAP_SYS_ADMIN", err)
		}
		prog, err := ebpf.NewProgramFromID(id)
		if errors.Is(err, os.ErrNotExist) {
			continue // gone since it was listed
		}
		if err != nil {
			return progs, handles, fmt.Errorf("open BPF program %d: %w", id, err)
		}
		if prog.Type() != ebpf.LSM {
			prog.Close()
			continue
		}
		info, err := prog.Info()
		if err != nil {
			prog.Close()
			return progs, handles, fmt.Errorf("read BPF program %d: %w", id, err)
		}
		p := Program{ID: id, Name: info.Name}
		p.Maps, _ = info.MapIDs()
		if name, ok := btfName(info); ok {
			p.Name, p.HasBTF = name, true
		}
		progs, handles = append(progs, p), append(handles, prog)
	}
}

// btfName is the full name of a program: bpf_prog_info cuts it at 15 characters, at which vArmor's names collide.
func btfName(info *ebpf.ProgramInfo) (string, bool) {
	funcs, err := info.FuncInfos()
	if err != nil {
		return "", false
	}
	for _, f := range funcs {
		if f.Offset == 0 && f.Func != nil {
			return f.Func.Name, true
		}
	}
	return "", false
}

// lsmLinks finds the links of each program: a program is in force through a link, not by being loaded.
func lsmLinks() (map[ebpf.ProgramID][]link.ID, error) {
	links := map[ebpf.ProgramID][]link.ID{}
	err := lsm.EachLink(func(id link.ID, l link.Link) {
		if info, err := l.Info(); err == nil { // else it is detached already
			links[info.Program] = append(links[info.Program], id)
		}
	})
	return links, err
}

func hookName(function string) string { return strings.TrimPrefix(function, lsm.HookPrefix) }
