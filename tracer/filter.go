package tracer

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/lsm"
)

// Filter says which calls are measured. The kernel skips all others. A call has to match every field that is set; the
// zero Filter matches all calls.
type Filter struct {
	MntNS []uint32 // inode numbers of mount namespaces
	PIDs  []uint32 // process ids (thread group ids) in the initial pid namespace
	Comm  string   // command name, cut at 15 characters as the kernel does
	// Command selects the process tree of the command that [Tracer.StartCommand] starts. With PIDs, a process in
	// either matches.
	Command bool
	// Follow, if not nil, returns the mount namespaces to measure. It is called at every poll, because containers
	// come and go. With MntNS, only namespaces that are in both match.
	Follow func() []uint32
}

// namespaces returns the mount namespaces that match.
func (f Filter) namespaces() []uint32 {
	if f.Follow == nil {
		return f.MntNS
	}
	now := slices.Clone(f.Follow()) // the caller may keep it
	if len(f.MntNS) > 0 {
		now = slices.DeleteFunc(now, func(ns uint32) bool { return !slices.Contains(f.MntNS, ns) })
	}
	slices.Sort(now)
	return now
}

func (f Filter) mode() (m bpf.ProbeMode) {
	if len(f.MntNS) > 0 || f.Follow != nil {
		m |= bpf.ProbeModeMODE_MNTNS
	}
	if len(f.PIDs) > 0 || f.Command {
		m |= bpf.ProbeModeMODE_PID
	}
	if f.Comm != "" {
		m |= bpf.ProbeModeMODE_COMM
	}
	return m
}

func (f Filter) comm() (c [16]uint8) {
	copy(c[:15], f.Comm)
	return c
}

// table places keys where in_table of bpf/control.h looks for them: in one of the two places for their low bits.
func table(name string, size int, keys []uint32) ([]uint32, error) {
	t := make([]uint32, size)
	for _, k := range keys {
		i := 2 * (int(k) % (size / 2))
		j := i + 1
		switch {
		case k == 0:
			return nil, fmt.Errorf("filter: %s 0 does not exist", name)
		case t[i] == 0 || t[i] == k:
			t[i] = k
		case t[j] == 0 || t[j] == k:
			t[j] = k
		default:
			return nil, fmt.Errorf("filter: %s %d collides with two others in the probes' table: use fewer",
				name, k)
		}
	}
	return t, nil
}

// controlMap holds what all probes share: whether to record, and the tables of the filter.
const controlMap = ".data.control"

// control is the control map.
type control struct {
	m       *ebpf.Map
	off     *uint32 // in mem
	mntns   []uint32
	mem     mapMemory
	allowed []uint32 // mount namespaces that mntns has
}

func newControl(spec *ebpf.CollectionSpec, f Filter, sample int) (*control, error) {
	spec = spec.Copy()
	spec.Programs = nil
	for name := range spec.Maps {
		if name != controlMap {
			delete(spec.Maps, name)
		}
	}
	for name, v := range spec.Variables {
		if v.SectionName != controlMap {
			delete(spec.Variables, name)
		}
	}
	namespaces := f.namespaces()
	for _, t := range []struct {
		variable, name string
		keys           []uint32
	}{
		{bpf.ProbeVarMntnsAllowed, "mount namespace", namespaces},
		{bpf.ProbeVarPidsAllowed, "process", f.PIDs},
	} {
		v := spec.Variables[t.variable]
		words, err := table(t.name, int(v.Size())/4, t.keys)
		if err != nil {
			return nil, err
		}
		if err := v.Set(words); err != nil {
			return nil, fmt.Errorf("filter: %w", err)
		}
	}
	if err := spec.Variables[bpf.ProbeVarCommAllowed].Set(f.comm()); err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	if err := spec.Variables[bpf.ProbeVarSampleOf].Set(uint32(max(1, sample))); err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	var objs struct {
		Control *ebpf.Map `ebpf:".data.control"`
	}
	if err := spec.LoadAndAssign(&objs, nil); err != nil {
		return nil, fmt.Errorf("create control map: %w", lsm.ExplainLoad(err))
	}
	mem, err := mapMap(objs.Control)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map control map: %w", err), objs.Control.Close())
	}
	return &control{
		m: objs.Control, mem: mem, allowed: namespaces,
		off:   &mem.words(spec.Variables[bpf.ProbeVarOff])[0],
		mntns: mem.words(spec.Variables[bpf.ProbeVarMntnsAllowed]),
	}, nil
}

// refresh makes the probes measure the namespaces that Filter.Follow returns now.
func (c *control) refresh(f Filter) error {
	if f.Follow == nil {
		return nil
	}
	now := f.namespaces()
	if slices.Equal(now, c.allowed) {
		return nil
	}
	t, err := table("mount namespace", len(c.mntns), now)
	if err != nil {
		return err
	}
	copy(c.mntns, t)
	c.allowed = now
	return nil
}

// open makes the probes record.
func (c *control) open() { atomic.StoreUint32(c.off, 0) }

// shut makes the probes stop recording.
func (c *control) shut() { atomic.StoreUint32(c.off, 1) }

func (c *control) Close() error { return errors.Join(c.mem.Close(), c.m.Close()) }
