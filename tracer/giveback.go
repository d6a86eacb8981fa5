package tracer

import (
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A counter whose key has had no call for a while is given back, so that another key can claim it. No call is lost or
// charged to the wrong key, and the probes need no instruction for it:
//
//  1. The tag becomes COUNTER_CLOSING. A probe that looks for the key from now on finds another counter. But one that
//     found this counter just before may still charge it.
//  2. An RCU grace period passes. Probes run inside RCU read sections, also when they are preempted, so that no probe
//     that found the counter is left.
//  3. What the counter gained since the last drain is charged to its old key.
//  4. The tag becomes 0: the counter is free. It keeps its numbers, and the next drain subtracts them.
type giveBack struct {
	closing []closingCounter
	waited  chan error // gets the result of waiting for the grace period
	last    uint64     // when counters were last closed, as monotonic says
	now     func() uint64
	wait    func() error
}

// closingCounter is a counter whose tag is COUNTER_CLOSING.
type closingCounter struct {
	target *probedTarget
	*counters
	index int32
}

// Counters are closed once a second, if more than half of a region is in use. In a front, which is small, keys without
// a call for a second make room for others; their next call finds a shared counter. Keys with a shared counter have a
// minute, or five seconds when more than three quarters are in use.
const (
	giveBackInterval = time.Second
	idleInFront      = time.Second
	idleShared       = time.Minute
	idleSharedFull   = 5 * time.Second
)

// Commands of membarrier(2).
const (
	membarrierQuery  = 0
	membarrierGlobal = 1
)

// newGiveBack returns nil if the kernel does not let user space wait for a grace period, as with nohz_full.
func newGiveBack() *giveBack {
	commands, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierQuery, 0, 0)
	if errno != 0 || commands&membarrierGlobal == 0 {
		return nil
	}
	return &giveBack{waited: make(chan error, 1), now: monotonic, wait: waitForGracePeriod}
}

// waitForGracePeriod waits until every RCU read section that runs now has ended.
func waitForGracePeriod() error {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// step closes counters or, after a grace period, frees those that it has closed. The caller has just drained all
// targets. charge receives what the counters gained while they were closing.
func (g *giveBack) step(targets []*probedTarget, charge func(program int, c *count)) {
	if g == nil {
		return
	}
	if len(g.closing) == 0 {
		g.close(targets)
		return
	}
	select {
	case err := <-g.waited:
		g.finish(err, targets, charge)
	default:
	}
}

func (g *giveBack) close(targets []*probedTarget) {
	now := g.now()
	if now-g.last < uint64(giveBackInterval) {
		return
	}
	g.last = now
	for _, target := range targets {
		if target.probe == nil {
			continue
		}
		c := target.probe.counters
		for r := range c.regions {
			for _, i := range c.idle(&c.regions[r], now) {
				atomic.StoreUint64(&c.at(int(i)).Tag, tagClosing)
				g.closing = append(g.closing, closingCounter{target, c, i})
			}
		}
	}
	if len(g.closing) > 0 {
		go func() { g.waited <- g.wait() }()
	}
}

// finish frees the counters that are closing. If the grace period could not be waited for, they keep their keys.
func (g *giveBack) finish(err error, targets []*probedTarget, charge func(program int, c *count)) {
	changed := map[*counters]bool{}
	for _, c := range g.closing {
		if c.target.probe == nil || c.target.probe.counters != c.counters {
			continue // detached meanwhile
		}
		live, last := c.at(int(c.index)), c.last[c.index]
		if err != nil {
			atomic.StoreUint64(&live.Tag, last.Tag)
			continue
		}
		c.gained(c.index, func(gained *count) { charge(slices.Index(targets, c.target), gained) })
		live.Comm, last.Comm = [16]uint8{}, [16]uint8{}
		last.Tag = 0
		atomic.StoreUint64(&live.Tag, 0)
		changed[c.counters] = true
	}
	for c := range changed {
		for r := range c.regions {
			region := &c.regions[r]
			region.used = slices.DeleteFunc(region.used,
				func(u usedCounter) bool { return c.last[u.index].Tag == 0 })
		}
	}
	g.closing = nil
}

// idle returns the counters of a region that should be given back.
func (c *counters) idle(r *region, now uint64) (all []int32) {
	after := idleInFront
	if r.shared {
		after = idleShared
		if 4*len(r.used) > 3*(r.end-r.first) {
			after = idleSharedFull
		}
	}
	if 2*len(r.used) <= r.end-r.first {
		return nil
	}
	for i := range r.used {
		u := &r.used[i]
		if c.last[u.index].Tag > tagClosing && !u.changed && now-u.at >= uint64(after) {
			all = append(all, u.index)
		}
	}
	return all
}
