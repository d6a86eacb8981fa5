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

// Filter keeps, in the kernel, what is not of interest out of the measurement. The zero Filter keeps everything; where several
// fields are set an invocation has to match all of them.
type Filter struct {
	MntNS []uint32 // inode numbers of mount namespaces
	PIDs  []uint32 // process ids (thread group ids) in the initial pid namespace
	Comm  string   // command name, cut at 15 characters as the kernel does
	// Follow, if any, is asked at every poll for the mount namespaces that are of interest then: containers come and go.
	Follow func() []uint32
}

// namespaces are the mount namespaces that pass.
func (f Filter) namespaces() []uint32 {
	if f.Follow == nil {
		return f.MntNS
	}
	now := f.Follow()
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
	if len(f.PIDs) > 0 {
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

// table lays keys out the way in_table of bpf/control.h looks them up: in one of the two places for their low bits.
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
			return nil, fmt.Errorf("filter: %s %d falls on the same place as two others; use fewer", name, k)
		}
	}
	return t, nil
}

// controlMap is the map that all probes share: whether to record, and the filter's tables.
const controlMap = ".data.control"

// control is shared by the probes of all targets.
type control struct {
	m       *ebpf.Map
	off     *uint32 // in mem
	mntns   []uint32
	mem     mapped
	allowed []uint32 // mount namespaces, as mntns has them
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
	for name, keys := range map[string][]uint32{bpf.ProbeVarMntnsAllowed: namespaces, bpf.ProbeVarPidsAllowed: f.PIDs} {
		v := spec.Variables[name]
		t, err := table(name, int(v.Size())/4, keys)
		if err != nil {
			return nil, err
		}
		if err := v.Set(t); err != nil {
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
	mem, err := mapMemory(objs.Control)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map control map: %w", err), objs.Control.Close())
	}
	return &control{
		m: objs.Control, mem: mem, allowed: namespaces,
		off:   &mem.words(spec.Variables[bpf.ProbeVarOff])[0],
		mntns: mem.words(spec.Variables[bpf.ProbeVarMntnsAllowed]),
	}, nil
}

// follow lets the namespaces through that the filter wants now.
func (c *control) follow(f Filter) error {
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

// open lets the probes record, shut stops them.
func (c *control) open() { atomic.StoreUint32(c.off, 0) }
func (c *control) shut() { atomic.StoreUint32(c.off, 1) }

func (c *control) Close() error { return errors.Join(c.mem.Close(), c.m.Close()) }
