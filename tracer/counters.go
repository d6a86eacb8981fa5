package tracer

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/profile"
)

const (
	counterSize = int(unsafe.Sizeof(bpf.ProbeCounter{}))
	slotSize    = int(unsafe.Sizeof(bpf.ProbeSlot{}))

	tagOther   = uint64(bpf.ProbeSpecialCounterCOUNTER_OTHER)
	tagSink    = uint64(bpf.ProbeSpecialCounterCOUNTER_SINK)
	tagClosing = uint64(bpf.ProbeSpecialCounterCOUNTER_CLOSING)
)

// The histogram of a counter is a profile.Histogram.
var _ [profile.Buckets]uint32 = bpf.ProbeCounter{}.Readings

// buckets returns the bucket of each reading by its bits from shift on. Tables save the probes from computing it.
func buckets[T [4096]uint8 | [1024]uint8](shift int) (t T) {
	for v := range len(t) {
		t[v] = uint8(profile.Bucket(uint64(v) << shift))
	}
	return t
}

// counters are the counters of one target.
type counters struct {
	m       *ebpf.Map
	mem     mapMemory
	layout  layout
	last    []*bpf.ProbeCounter // what the last drain found, by counter; tag 0: given back; nil: never claimed
	regions []region
	now     uint64 // when the last drain began, as monotonic says
	shared  uint64 // calls that were charged to shared counters
}

// newCounters takes over m, also when it fails.
func newCounters(m *ebpf.Map, l layout) (_ *counters, err error) {
	mem, err := mapMap(m)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map counters: %w", err), m.Close())
	}
	c := &counters{m: m, mem: mem, layout: l}
	c.init()
	return c, nil
}

// init tags the special counters, and the whole common front: no CPU may claim a counter there.
func (c *counters) init() {
	l := c.layout
	c.last = make([]*bpf.ProbeCounter, l.counters())
	for f := range l.fronts {
		first := f * l.front
		c.at(first).Tag = tagOther
		if l.shared > 0 {
			c.at(first + 1).Tag = tagSink
		}
		c.regions = append(c.regions, region{
			first: first, end: first + l.front, claims: c.claims(first),
			again: true,
		})
	}
	if l.shared > 0 {
		common := l.commonFront()
		for i := common + 1; i < common+l.front; i++ {
			c.at(i).Tag = tagSink
		}
		c.regions = append(c.regions,
			region{first: l.sharedFirst(), end: l.counters(), claims: c.claims(common), shared: true})
	}
}

// at returns the i-th counter. A probe may be writing to it.
func (c *counters) at(i int) *bpf.ProbeCounter {
	return (*bpf.ProbeCounter)(unsafe.Pointer(&c.mem[i*counterSize]))
}

// claims returns where a counter for [other] holds the number of counters that were claimed.
func (c *counters) claims(i int) *uint32 { return (*uint32)(unsafe.Pointer(&c.at(i).Comm)) }

func (c *counters) Close() error { return errors.Join(c.mem.Close(), c.m.Close()) }

// count is what was recorded under one key.
type count struct {
	mntns     uint32
	syscall   uint16
	other     bool // the calls found no counter of their own: workload and syscall are unknown
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
	c.now = monotonic()
	for r := range c.regions {
		region := &c.regions[r]
		region.find(c)
		for i := range region.used {
			u := &region.used[i]
			if live := c.at(int(u.index)); u.changed || u.differs(live) {
				u.changed = c.gained(u.index, fn)
				u.note(c.last[u.index])
			}
			if u.changed {
				u.at = c.now
			}
		}
	}
}

// gained calls fn with what a counter gained since the last drain, unless that is nothing.
func (c *counters) gained(i int32, fn func(*count)) (changed bool) {
	now, last := *c.at(int(i)), c.last[i]
	now.Tag = last.Tag // it may be closing
	d, changed := difference(&now, last)
	if changed {
		if c.layout.shared > 0 && int(i) >= c.layout.sharedFirst() {
			c.shared += d.readings.Count() + d.preempted
		}
		fn(d)
	}
	*last = now
	return changed
}

// difference returns what a counter gained. Its 32-bit numbers wrap after minutes at the earliest, at a billion calls
// per hour; drains are more frequent.
func difference(now, last *bpf.ProbeCounter) (_ *count, changed bool) {
	d := &count{
		mntns:     uint32(now.Tag),
		syscall:   uint16(now.Tag >> 32),
		other:     now.Tag == tagOther,
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
