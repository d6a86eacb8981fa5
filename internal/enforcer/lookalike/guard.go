package lookalike

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// Guard keeps BPF objects, its own among them, from being opened by any process but one.
type Guard struct {
	*Enforcer
	owner uint32
}

// AttachGuard attaches a guard. From then on only the process owner, an id in the initial pid namespace, can open
// its programs, maps and links by id. With owner 0, no process can.
func AttachGuard(owner uint32) (*Guard, error) {
	e, err := Load(LoadGuard)
	if err != nil {
		return nil, err
	}
	g := &Guard{e, owner}
	if err := g.protect(e); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// protect keeps the objects of another look-alike from being opened.
func (g *Guard) protect(e *Enforcer) error {
	for _, l := range e.links {
		info, err := l.Info()
		if err != nil {
			return fmt.Errorf("describe a link: %w", err)
		}
		if err := g.Refuse(GuardGuardedKindGUARDED_LINK, uint32(info.ID)); err != nil {
			return err
		}
	}
	return g.protectObjects(e.Programs, e.Maps)
}

// protectObjects keeps programs and maps from being opened.
func (g *Guard) protectObjects(programs map[string]*ebpf.Program, maps map[string]*ebpf.Map) error {
	for name, p := range programs {
		info, err := p.Info()
		if err != nil {
			return fmt.Errorf("describe %s: %w", name, err)
		}
		id, _ := info.ID()
		if err := g.Refuse(GuardGuardedKindGUARDED_PROGRAM, uint32(id)); err != nil {
			return err
		}
	}
	for name, m := range maps {
		info, err := m.Info()
		if err != nil {
			return fmt.Errorf("describe %s: %w", name, err)
		}
		id, _ := info.ID()
		if err := g.Refuse(GuardGuardedKindGUARDED_MAP, uint32(id)); err != nil {
			return err
		}
	}
	return nil
}

// Refuse keeps one object from being opened.
func (g *Guard) Refuse(kind GuardGuardedKind, id uint32) error {
	if err := g.Maps["guarded_objects"].Put(GuardGuarded{Kind: kind, Id: id}, g.owner); err != nil {
		return fmt.Errorf("guard object %d: %w", id, err)
	}
	return nil
}
