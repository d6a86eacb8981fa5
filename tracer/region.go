package tracer

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/lsmprof/lsmprof/bpf"
)

// region is a part of the counters whose claims are counted together: a front, or the shared part. The drain looks for
// new counters only in regions where some were claimed, because most counters of a large machine are free.
type region struct {
	first, end int
	shared     bool
	claims     *uint32 // how many counters were claimed, ever
	seen       uint32  // claims at the last look
	again      bool    // look again, even if the claims are the same
	used       []usedCounter
}

// usedCounter is a counter that belongs to a key, or one for [other], with what each call changes: a reading of 0 ns,
// which leaves the sum as it is, is in the first bucket. A drain that finds these numbers unchanged does not look
// further. Because it may copy a counter in the middle of a change, it copies it once more the next time.
type usedCounter struct {
	index     int32
	changed   bool   // since the drain before
	at        uint64 // when it had last changed, as monotonic says
	sum       uint64
	preempted uint32
	first     uint32 // readings in the first bucket
}

func (u *usedCounter) differs(c *bpf.ProbeCounter) bool {
	return c.Sum != u.sum || c.Preempted != u.preempted || c.Readings[0] != u.first
}

func (u *usedCounter) note(c *bpf.ProbeCounter) {
	u.sum, u.preempted, u.first = c.Sum, c.Preempted, c.Readings[0]
}

// find finds the counters that were claimed since the last call. It looks twice after a change: another CPU may see
// the number of claims before it sees the last claimed counter.
func (r *region) find(c *counters) {
	claims := atomic.LoadUint32(r.claims)
	if claims == r.seen && !r.again {
		return
	}
	r.again, r.seen = claims != r.seen, claims
	found := len(r.used)
	for i := r.first; i < r.end; i++ {
		last := c.last[i]
		if last != nil && last.Tag != 0 {
			continue
		}
		tag := atomic.LoadUint64(&c.at(i).Tag)
		if tag == 0 || tag == tagSink || tag == tagClosing {
			continue
		}
		if last == nil {
			last = &bpf.ProbeCounter{}
		}
		u := usedCounter{index: int32(i), changed: true}
		u.note(last)
		if r.shared && c.at(i).Comm[0] == 0 && !u.differs(c.at(i)) {
			r.again = true // the CPU that claims it says for which command before it counts a call
			continue
		}
		last.Tag, c.last[i] = tag, last
		r.used = append(r.used, u)
	}
	if len(r.used) > found { // in the order of memory, they are read fastest
		slices.SortFunc(r.used, func(a, b usedCounter) int { return cmp.Compare(a.index, b.index) })
	}
}

// displaced reports whether a key that the last drain found in a front has another counter than the one that it hashes
// to: another key, or a special counter, is there.
func (c *counters) displaced() bool {
	for _, r := range c.regions {
		for _, u := range r.used {
			tag := c.last[u.index].Tag
			special := tag == 0 || tag == tagOther
			if !r.shared && !special && int(u.index)-r.first != home(tag)&(c.layout.front-1) {
				return true
			}
		}
	}
	return false
}

// home returns hash_of of bpf/counters.h.
func home(tag uint64) int { return int(uint32(tag)*0x9E3779B1 + uint32(tag>>32)) }
