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
	counterSize = int(unsafe.Sizeof(bpf.ProbeCounter{}))
	slotSize    = int(unsafe.Sizeof(bpf.ProbeSlot{}))

	sharedCounter = uint64(bpf.ProbeSharedCounterCOUNTER_SHARED)
)

// The histogram of a counter is a profile.Histogram.
var _ [profile.Buckets]uint32 = bpf.ProbeCounter{}.Readings

// bucketTable returns the bucket of each reading below 4096 ns. It saves the probe from computing it.
func bucketTable() (t [4096]uint8) {
	for v := range t {
		t[v] = uint8(profile.Bucket(uint64(v)))
	}
	return t
}

// counters are the counters of one target, those of CPU 0 first.
type counters struct {
	m    *ebpf.Map
	mem  mapMemory
	last []*bpf.ProbeCounter // what the last drain found; nil: a free counter
	used int
}

// newCounters takes over m, also when it fails.
func newCounters(m *ebpf.Map, cpus, perCPU int) (_ *counters, err error) {
	c := &counters{m: m}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if c.mem, err = mapMap(m); err != nil {
		return nil, fmt.Errorf("map counters: %w", err)
	}
	c.last = make([]*bpf.ProbeCounter, len(c.mem)/counterSize)
	// The first counter of a CPU takes the calls that find no free one.
	for cpu := range cpus {
		c.at(cpu * perCPU).Tag = sharedCounter
	}
	return c, nil
}

// at returns the i-th counter. A probe may be writing to it.
func (c *counters) at(i int) *bpf.ProbeCounter {
	return (*bpf.ProbeCounter)(unsafe.Pointer(&c.mem[i*counterSize]))
}

func (c *counters) Close() error { return errors.Join(c.mem.Close(), c.m.Close()) }

// count is what was recorded under one key.
type count struct {
	mntns     uint32
	syscall   uint16
	shared    bool // the calls found no counter of their own: workload and syscall are unknown
	comm      string
	sum       uint64 // of the readings, ns
	denials   uint64
	preempted uint64
	readings  profile.Histogram
}

// scale multiplies the readings by the number of calls that each stands for. The probes scale the other numbers.
func (c *count) scale(by uint64) {
	c.sum *= by
	for b := range c.readings {
		c.readings[b] *= by
	}
}

// drain calls fn with the difference for every counter that changed since the last drain. The probes go on counting:
// what they add to a counter while drain copies it is in this difference or in the next.
func (c *counters) drain(fn func(*count)) {
	if c == nil {
		return // the probes emit events
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
}

// difference returns what a counter gained. Its 32-bit numbers wrap after minutes at the earliest, at a billion calls
// per hour; drains are more frequent.
func difference(now, last *bpf.ProbeCounter) (_ *count, changed bool) {
	d := &count{
		mntns:     uint32(now.Tag),
		syscall:   uint16(now.Tag >> 32),
		shared:    now.Tag == sharedCounter,
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
