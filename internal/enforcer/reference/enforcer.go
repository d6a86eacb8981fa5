// Package reference is the enforcer that comes with lsmprof: what there is to profile where no product is installed, and what
// benchmarks change the rules of. It is of the same kind as the products: twelve BPF LSM programs whose rules, chosen by mount
// namespace, are walked one by one.
//
// Errors that mean that this machine cannot run it match ErrUnsupported. An Enforcer is not safe for concurrent use.
package reference

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/enforcer/reference/bpf"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// Enforcer is loaded. It enforces nothing before Attach, and then only in the namespaces given to Confine.
type Enforcer struct {
	programs map[string]*ebpf.Program // by function name
	links    []link.Link              // a link that nothing refers to is closed by the garbage collector: a silent detach
	maps     map[string]*ebpf.Map
	spec     *ebpf.CollectionSpec
	attached bool // once or more
	confined map[uint32]struct{}
	serial   uint32
}

// Program is one loaded program.
type Program struct {
	ID   uint32 `json:"id"`
	Name string `json:"name"` // ref_file_open
	Hook string `json:"hook"` // file_open
}

// Load loads the programs and their maps. They attach nowhere yet.
func Load() (*Enforcer, error) {
	// Where nobody can read the list, loading tells.
	if active, err := kernel.LSMs(); err == nil {
		if err := checkLSMs(active); err != nil {
			return nil, err
		}
	}
	// Before 5.11 maps count against RLIMIT_MEMLOCK.
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("raise RLIMIT_MEMLOCK: %w", lsm.ExplainLoad(err))
	}
	spec, err := bpf.LoadEnforcer()
	if err != nil {
		return nil, fmt.Errorf("read the reference enforcer's object: %w", err)
	}
	coll, err := ebpf.NewCollection(spec)
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

// Programs returns the programs by name.
func (e *Enforcer) Programs() ([]Program, error) {
	var all []Program
	for name, p := range e.programs {
		info, err := p.Info()
		if err != nil {
			return nil, fmt.Errorf("describe %s: %w", name, err)
		}
		id, _ := info.ID()
		all = append(all, Program{ID: uint32(id), Name: name, Hook: strings.TrimPrefix(name, "ref_")})
	}
	slices.SortFunc(all, func(a, b Program) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Attach attaches all programs, or none when one fails. Attached ones stay as they are. Linux 5.10
// attaches no program a second time (6.1 does): there it is loaded again, under a new id.
func (e *Enforcer) Attach() error {
	if len(e.links) > 0 {
		return nil
	}
	err := e.attach()
	if e.attached && errors.Is(err, unix.ENOENT) {
		if err = e.reload(); err == nil {
			err = e.attach()
		}
	}
	e.attached = e.attached || err == nil
	return err
}

func (e *Enforcer) attach() error {
	for name, p := range e.programs {
		l, err := link.AttachLSM(link.LSMOptions{Program: p})
		if err != nil {
			return errors.Join(fmt.Errorf("attach %s: %w", name, lsm.ExplainLoad(err)), e.Detach())
		}
		e.links = append(e.links, l)
	}
	return nil
}

// reload replaces the programs by new ones over the same maps.
func (e *Enforcer) reload() error {
	coll, err := ebpf.NewCollectionWithOptions(e.spec, ebpf.CollectionOptions{MapReplacements: e.maps})
	if err != nil {
		return fmt.Errorf("load the reference enforcer again: %w", lsm.ExplainLoad(err))
	}
	defer coll.Close() // of the collection's own handles of the maps
	err = closeAll(e.programs)
	e.programs, coll.Programs = coll.Programs, nil
	return err
}

// Detach detaches all programs; the rules stay for the next Attach. The kernel takes its time, up to 0.2 s for each.
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

// Close ends all confinement, detaches, and unloads the programs with their maps. Detaching takes up to seconds: without rules, the
// programs that are still attached deny nothing meanwhile.
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
