// Package reference is the enforcer that comes with lsmprof. Users profile it where no product is installed, and
// benchmarks vary its number of rules. It works like the products: twelve BPF LSM programs look up the rules of the
// mount namespace and walk them one by one.
//
// Errors wrap ErrUnsupported if this machine cannot run it. An Enforcer is not safe for concurrent use.
package reference

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// Enforcer is a loaded reference enforcer. It enforces nothing before Attach, and then only in the namespaces given
// to Confine. The caller must call Close.
type Enforcer struct {
	programs map[string]*ebpf.Program // by function name
	links    []link.Link              // held: the garbage collector would detach others
	maps     map[string]*ebpf.Map
	spec     *ebpf.CollectionSpec
	attached bool // at least once
	confined map[uint32]struct{}
	serial   uint32
}

// Program is a loaded program.
type Program struct {
	ID   uint32 `json:"id"`
	Name string `json:"name"` // ref_file_open
	Hook string `json:"hook"` // file_open
}

// Load loads the programs and their maps. It attaches none.
func Load() (*Enforcer, error) {
	// If the list cannot be read, loading the programs fails with the reason.
	if active, err := kernel.LSMs(); err == nil {
		if err := checkLSMs(active); err != nil {
			return nil, err
		}
	}
	// Before 5.11 maps count against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("raise RLIMIT_MEMLOCK: %w", lsm.ExplainLoad(err))
	}
	load := bpf.LoadEnforcer
	if features.HaveProgramHelper(ebpf.TracePoint, asm.FnLoop) != nil { // before Linux 5.17
		load = bpf.LoadBounded
	}
	spec, err := load()
	if err != nil {
		return nil, fmt.Errorf("read the reference enforcer's object: %w", err)
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: lsm.KernelTypes})
	if err != nil {
		return nil, fmt.Errorf("load the reference enforcer: %w", lsm.ExplainLoad(err))
	}
	return &Enforcer{programs: coll.Programs, maps: coll.Maps, spec: spec, confined: map[uint32]struct{}{}}, nil
}

// Hooks returns the hooks that the reference enforcer has programs on, in alphabetical order.
func Hooks() ([]string, error) {
	spec, err := bpf.LoadEnforcer()
	if err != nil {
		return nil, fmt.Errorf("read the reference enforcer's object: %w", err)
	}
	var hooks []string
	for _, p := range spec.Programs {
		if p.Type == ebpf.LSM {
			hooks = append(hooks, p.AttachTo)
		}
	}
	slices.Sort(hooks)
	return slices.Compact(hooks), nil
}

// Programs returns the programs, sorted by name.
func (e *Enforcer) Programs() ([]Program, error) {
	var all []Program
	for name, p := range e.programs {
		info, err := p.Info()
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", name, err)
		}
		id, _ := info.ID()
		all = append(all, Program{ID: uint32(id), Name: name, Hook: hookOf(name)})
	}
	slices.SortFunc(all, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// hookOf returns the hook of a program, by its name.
func hookOf(program string) string { return strings.TrimPrefix(program, "ref_") }

// Attach attaches all programs, or none if one fails. It does nothing if they are attached. Linux 5.10 cannot
// attach a program a second time, as 6.1 can: there Attach loads the programs again, under new ids.
func (e *Enforcer) Attach() error { return e.AttachTo() }

// AttachTo is Attach for the programs on some hooks; none: on all.
func (e *Enforcer) AttachTo(hooks ...string) error {
	if len(e.links) > 0 {
		return nil
	}
	err := e.attach(hooks)
	if e.attached && errors.Is(err, unix.ENOENT) {
		if err = e.reload(); err == nil {
			err = e.attach(hooks)
		}
	}
	e.attached = e.attached || err == nil
	return err
}

func (e *Enforcer) attach(hooks []string) error {
	for name, p := range e.programs {
		if len(hooks) > 0 && !slices.Contains(hooks, hookOf(name)) {
			continue
		}
		l, err := link.AttachLSM(link.LSMOptions{Program: p})
		if err != nil {
			return errors.Join(fmt.Errorf("attach %s: %w", name, lsm.ExplainLoad(err)), e.Detach())
		}
		e.links = append(e.links, l)
	}
	return nil
}

// reload replaces the programs by new ones that use the same maps.
func (e *Enforcer) reload() error {
	coll, err := ebpf.NewCollectionWithOptions(e.spec,
		ebpf.CollectionOptions{MapReplacements: e.maps, Cache: lsm.KernelTypes})
	if err != nil {
		return fmt.Errorf("load the reference enforcer again: %w", lsm.ExplainLoad(err))
	}
	defer coll.Close() // closes its own handles of the maps
	err = closeAll(e.programs)
	e.programs, coll.Programs = coll.Programs, nil
	return err
}

// Detach detaches all programs. The rules stay for the next Attach. The kernel takes up to 0.2 s per program.
func (e *Enforcer) Detach() error {
	var all error
	for _, l := range e.links {
		if err := l.Close(); err != nil {
			all = errors.Join(all, fmt.Errorf("detach the reference enforcer: %w", err))
		}
	}
	e.links = nil
	return all
}

// Close ends all confinement, detaches, and unloads the programs and their maps. Detaching takes up to seconds, in
// which the programs that are still attached deny nothing.
func (e *Enforcer) Close() error {
	var all error
	for mntns := range e.confined {
		all = errors.Join(all, remove(e.maps[bpf.EnforcerMapRefMode], mntns))
	}
	return errors.Join(all, e.Detach(), closeAll(e.programs), closeAll(e.maps))
}

func closeAll[T io.Closer](all map[string]T) error {
	var err error
	for _, c := range all {
		err = errors.Join(err, c.Close())
	}
	return err
}
