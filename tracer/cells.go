package tracer

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

const (
	cellSize = int(unsafe.Sizeof(bpf.ProbeCounter{}))
	slotSize = int(unsafe.Sizeof(bpf.ProbeSlot{}))

	cellOther = uint64(bpf.ProbeSharedCounterCOUNTER_SHARED)
)

// A cell's histogram is a profile.Histogram.
var _ [profile.Buckets]uint32 = bpf.ProbeCounter{}.Readings

// bucketTable is the bucket of each reading below 4096 ns, which saves the probe from computing it.
func bucketTable() (t [4096]uint8) {
	for v := range t {
		t[v] = uint8(profile.Bucket(uint64(v)))
	}
	return t
}

// cells are the counters of one target: those of CPU 0, of CPU 1, …
type cells struct {
	m    *ebpf.Map
	mem  mapped
	last []*bpf.ProbeCounter // what the last drain found; nil: a free one
	used int                 // of them
}

// newCells takes over m, also when it fails.
func newCells(m *ebpf.Map, cpus, perCPU int) (_ *cells, err error) {
	c := &cells{m: m}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if c.mem, err = mapMemory(m); err != nil {
		return nil, fmt.Errorf("map cells: %w", err)
	}
	c.last = make([]*bpf.ProbeCounter, len(c.mem)/cellSize)
	// The first cell of a CPU takes the invocations that find none.
	for cpu := range cpus {
		c.at(cpu * perCPU).Tag = cellOther
	}
	return c, nil
}

// at is the i-th cell, which a probe may be writing to.
func (c *cells) at(i int) *bpf.ProbeCounter {
	return (*bpf.ProbeCounter)(unsafe.Pointer(&c.mem[i*cellSize]))
}

func (c *cells) Close() error { return errors.Join(c.mem.Close(), c.m.Close()) }

// count is what was recorded under one key.
type count struct {
	mntns     uint32
	syscall   uint16
	other     bool // found no cell: workload and syscall are unknown
	comm      string
	sum       uint64
	denials   uint64
	preempted uint64
	readings  profile.Histogram
}

// scale makes of the readings what they stand for. The probes do so themselves with the other counters.
func (c *count) scale(by uint64) {
	c.sum *= by
	for b := range c.readings {
		c.readings[b] *= by
	}
}

// drain calls fn for every cell that changed since the last drain, with the difference. The probes go on meanwhile: what they
// add to a cell while it is copied is seen, at the latest, by the next drain.
func (c *cells) drain(fn func(*count)) error {
	if c == nil {
		return nil // traced, not counted
	}
	for i := range c.last {
		live := c.at(i)
		if atomic.LoadUint64(&live.Tag) == 0 {
			continue
		}
		if c.last[i] == nil {
			c.last[i] = &bpf.ProbeCounter{}
			c.used++
		}
		if *live == *c.last[i] {
			continue
		}
		now := *live
		if d, changed := difference(&now, c.last[i]); changed {
			fn(d)
		}
		*c.last[i] = now
	}
	return nil
}

// difference is what a cell gained. The 32-bit counters wrap in no less than minutes at a billion per hour; drains are more
// frequent.
func difference(now, last *bpf.ProbeCounter) (_ *count, changed bool) {
	d := &count{
		mntns:     uint32(now.Tag),
		syscall:   uint16(now.Tag >> 32),
		other:     now.Tag == cellOther,
		sum:       now.Sum - last.Sum,
		denials:   uint64(now.Denials - last.Denials),
		preempted: uint64(now.Preempted - last.Preempted),
	}
	changed = d.sum > 0 || d.denials > 0 || d.preempted > 0
	for b, n := range now.Readings {
		if n != last.Readings[b] {
			d.readings[b] = uint64(n - last.Readings[b])
			changed = true
		}
	}
	if changed {
		d.comm = cString(now.Comm[:])
	}
	return d, changed
}
