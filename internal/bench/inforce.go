package bench

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/lsm"
	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/tracer"
)

// Reader reads what is in force, machine-wide.
type Reader interface {
	Read() (Reading, error)
	Close() error
}

// Reading is one look at what is in force. Two of them can be compared.
type Reading struct {
	Programs map[string][]ebpf.ProgramID // attached, by product
	Policies map[string]enforcer.Policies
}

// of is what the reading says of some namespaces. An error: they do not agree.
func (r Reading) of(mntns []uint32) (rundir.InForce, error) {
	f := rundir.InForce{Programs: map[string]int{}, Policies: map[string]enforcer.Rules{}}
	for product, ids := range r.Programs {
		f.Programs[product] = len(ids)
		for i, ns := range mntns {
			policy, confined := r.Policies[product].Of(ns)
			if first, known := f.Policies[product]; i > 0 && (known != confined || first != policy.Rules) {
				return f, fmt.Errorf("mount namespaces %d and %d have different rules", mntns[0], ns)
			}
			if confined {
				f.Policies[product] = policy.Rules
			}
		}
	}
	return f, nil
}

// changed says what is different in a later reading, as far as some namespaces are concerned; empty: nothing.
func (r Reading) changed(later Reading, mntns []uint32) string {
	if !maps.EqualFunc(r.Programs, later.Programs, slices.Equal) {
		return "programs were attached or detached"
	}
	for product := range r.Programs {
		for _, ns := range mntns {
			before, had := r.Policies[product].Of(ns)
			after, has := later.Policies[product].Of(ns)
			if had != has || before.Generation != after.Generation {
				return fmt.Sprintf("the rules of %s for mount namespace %d were replaced", product, ns)
			}
		}
	}
	return ""
}

// Maps reads it from outside, as any other process could: what lsmprof itself has asked for is not taken as an answer.
type Maps struct {
	Products []enforcer.Product
	Unknown  *enforcer.RuleSource // where programs that are none of theirs have their rules; nil: not known
	hooks    map[ebpf.ProgramID]string
	programs map[ebpf.ProgramID]attachedProgram // ids are handed out in a circle of 2^31
	readers  map[string]openReader
}

type attachedProgram struct {
	product string // empty: not one that lsmprof knows
	enforcer.Program
}

type openReader struct {
	enforcer.Reader
	programs []ebpf.ProgramID // through which it was opened
}

// Read takes some microseconds for each link of the machine, and what enforcer.Reader takes.
func (m *Maps) Read() (Reading, error) {
	attached, err := m.attached()
	if err != nil {
		return Reading{}, err
	}
	r := Reading{attached, map[string]enforcer.Policies{}}
	for product, ids := range attached {
		reader, err := m.reader(product, ids)
		if err != nil {
			return r, err
		}
		if r.Policies[product], err = reader.Read(); err != nil {
			return r, fmt.Errorf("rules of %s: %w", product, err)
		}
	}
	return r, nil
}

// attached lists the programs of the products that have a link: a program that is only loaded is not in force.
func (m *Maps) attached() (map[string][]ebpf.ProgramID, error) {
	found := map[string][]ebpf.ProgramID{}
	err := lsm.EachLink(func(_ link.ID, l link.Link) {
		info, err := l.Info()
		if err != nil || info.Type != link.TracingType {
			return // detached already, or not of an LSM
		}
		p, known := m.programs[info.Program]
		if !known {
			if p, err = m.inspect(info.Program); err != nil {
				return // gone since it was listed
			}
			if m.programs == nil {
				m.programs = map[ebpf.ProgramID]attachedProgram{}
			}
			m.programs[info.Program] = p
		}
		if p.product != "" {
			found[p.product] = append(found[p.product], info.Program)
		}
	})
	for _, ids := range found {
		slices.Sort(ids)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (m *Maps) inspect(id ebpf.ProgramID) (p attachedProgram, err error) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return p, err
	}
	defer prog.Close()
	if prog.Type() != ebpf.LSM {
		return p, nil
	}
	info, err := prog.Info()
	if err != nil {
		return p, err
	}
	p.ID, p.Name = id, info.Name
	// bpf_prog_info cuts names at 15 characters.
	if funcs, err := info.FuncInfos(); err == nil && len(funcs) > 0 && funcs[0].Func != nil {
		p.Name = funcs[0].Func.Name
	}
	p.Maps, _ = info.MapIDs()
	if p.product = m.owner(p.Program); p.product == "" {
		return p, nil
	}
	p.Hook, err = m.hook(id)
	return p, err
}

// owner is the product that a program belongs to.
func (m *Maps) owner(p enforcer.Program) string {
	for _, product := range m.Products {
		if product.Owns(p) {
			return product.Name
		}
	}
	if m.Unknown != nil && (m.Unknown.Map == "" || m.Unknown.UsedBy([]enforcer.Program{p})) {
		return tracer.Generic
	}
	return ""
}

func (m *Maps) hook(id ebpf.ProgramID) (string, error) {
	if _, known := m.hooks[id]; !known {
		all, err := tracer.Programs()
		if err != nil {
			return "", err
		}
		m.hooks = map[ebpf.ProgramID]string{}
		for _, p := range all {
			m.hooks[p.ID] = p.Hook
		}
	}
	return m.hooks[id], nil
}

// reader is kept for as long as the same programs are attached.
func (m *Maps) reader(product string, ids []ebpf.ProgramID) (enforcer.Reader, error) {
	if open, ok := m.readers[product]; ok {
		if slices.Equal(open.programs, ids) {
			return open.Reader, nil
		}
		delete(m.readers, product)
		if err := open.Close(); err != nil {
			return nil, err
		}
	}
	var programs []enforcer.Program
	for _, id := range ids {
		programs = append(programs, m.programs[id].Program)
	}
	reader, err := m.open(product, programs)
	if err != nil {
		return nil, err
	}
	if m.readers == nil {
		m.readers = map[string]openReader{}
	}
	m.readers[product] = openReader{reader, ids}
	return reader, nil
}

func (m *Maps) open(product string, programs []enforcer.Program) (enforcer.Reader, error) {
	for _, p := range m.Products {
		if p.Name == product {
			return p.Open(programs)
		}
	}
	return m.Unknown.Open(programs)
}

// Close closes the maps.
func (m *Maps) Close() error {
	var all error
	for _, r := range m.readers {
		all = errors.Join(all, r.Close())
	}
	m.readers = nil
	return all
}
