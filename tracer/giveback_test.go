package tracer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// givingBack returns one target whose shared counters are more than half taken, with what drains and steps returned.
func givingBack(t *testing.T, wait func() error) (g *giveBack, c *counters, step func() map[uint32]uint64) {
	t.Helper()
	c = &counters{layout: newLayout(1<<18, 1, []int{0})}
	c.mem = make(mapMemory, c.layout.counters()*counterSize)
	c.init()
	for ns := range uint32(c.layout.counters() * 2 / 3) {
		c.claim(0, 100+ns, 1)
	}
	ahead := time.Duration(0)
	g = &giveBack{waited: make(chan error), wait: wait, now: func() uint64 { return monotonic() + uint64(ahead) }}
	targets := []*probedTarget{{probe: &probe{counters: c}}}
	step = func() map[uint32]uint64 {
		gained := map[uint32]uint64{}
		add := func(n *count) { gained[n.mntns] += n.readings.Count() }
		c.drain(add)
		ahead += 2 * time.Minute
		g.step(targets, func(program int, n *count) {
			if program != 0 {
				t.Errorf("charged to program %d", program)
			}
			add(n)
		})
		return gained
	}
	step()
	step()
	return g, c, step
}

func (c *counters) call(i int) { c.at(i).Sum += 100; c.at(i).Readings[20]++ }

// A probe that found a counter just before it is closed charges it later. The old owner gets that call, and the next
// owner only its own: another namespace, or one that has the same number because the kernel reused it.
func TestClosingCounterIsChargedToItsOwner(t *testing.T) {
	t.Run("another namespace", func(t *testing.T) { closeAndReuse(t, func(uint32) uint32 { return 7 }) })
	t.Run("same number", func(t *testing.T) { closeAndReuse(t, func(owner uint32) uint32 { return owner }) })
}

func closeAndReuse(t *testing.T, next func(owner uint32) uint32) {
	t.Helper()
	over := make(chan error)
	g, c, step := givingBack(t, func() error { return <-over })
	i := 0
	for c.at(i).Tag != tagClosing {
		i++
	}
	owner := uint32(c.last[i].Tag)
	c.call(i)
	if gained := step(); gained[owner] != 1 {
		t.Errorf("%v, want the call that was counted while its counter was closing", gained)
	}
	if c.at(i).Tag != tagClosing {
		t.Fatal("a counter is free before the grace period is over")
	}
	c.call(i)
	over <- nil
	for len(g.closing) > 0 { // until the goroutine has passed the result on
		if gained := step(); len(gained) > 0 && gained[owner] != 1 {
			t.Errorf("%v, want the last call of the old owner", gained)
		}
		runtime.Gosched()
	}
	if c.at(i).Tag != 0 {
		t.Fatalf("tag %d, want a free counter", c.at(i).Tag)
	}
	heir := next(owner)
	c.at(i).Tag, c.at(i).Comm[0] = 1<<32|uint64(heir), 'x'
	*c.claims(0)++
	*c.claims(c.layout.commonFront())++
	c.call(i)
	if gained := step(); gained[heir] != 1 || len(gained) != 1 {
		t.Errorf("%v, want one call of the next owner", gained)
	}
}

func TestCountersStayIfNobodyCanWait(t *testing.T) {
	g, c, step := givingBack(t, func() error { return errors.New("not supported") })
	for len(g.closing) > 0 {
		step()
		runtime.Gosched()
	}
	before := c.usage().Used
	if gained := step(); len(gained) > 0 || c.usage().Used != before || before == 0 {
		t.Errorf("%v, %d counters in use, before %d; want no change", gained, c.usage().Used, before)
	}
}

func TestNothingIsGivenBackWhileCountersAreFree(t *testing.T) {
	c := &counters{layout: newLayout(1<<18, 1, []int{0})}
	c.mem = make(mapMemory, c.layout.counters()*counterSize)
	c.init()
	for ns := range uint32(c.layout.front / 4) {
		c.claim(0, 100+ns, 1)
	}
	c.drain(func(*count) {})
	c.drain(func(*count) {})
	for i := range c.regions {
		if idle := c.idle(&c.regions[i], monotonic()+uint64(time.Hour)); len(idle) > 0 {
			t.Errorf("region %d gives %d counters back", i, len(idle))
		}
	}
}

// Two CPUs call in many namespaces, while every counter that had no call between two polls is given back. Each
// namespace gets exactly its own calls.
func TestTwoCPUsGiveBackUnderLoad(t *testing.T) {
	vmtest.TwoCPUsGuest(t)
	lsmProgram(t, "given_back", "task_getpgid", 0, allow()...)
	const namespaces, rounds, each = 60, 5, 9
	var spaces []int
	var numbers []uint32
	live(t, namespaces, func() {
		fd, err := unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			return
		}
		ns, err := kernel.MountNamespace("/proc/thread-self")
		if err != nil {
			t.Error(err)
		}
		spaces, numbers = append(spaces, fd), append(numbers, ns)
	})
	defer func() {
		for _, fd := range spaces {
			unix.Close(fd)
		}
	}()
	tr, err := Start(preemptible(true), Options{Memory: 1 << 19}) // 24 counters in fronts, 104 shared ones
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	var waits atomic.Int32
	ahead := time.Duration(0)
	tr.giveBack.now = func() uint64 { ahead += time.Hour; return monotonic() + uint64(ahead) }
	tr.giveBack.wait = func() error { waits.Add(1); return waitForGracePeriod() }
	poll := func() {
		if err := tr.Poll(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	var calling errgroup.Group
	var over atomic.Bool
	for cpu := range 2 {
		calling.Go(func() error {
			runtime.LockOSThread() // the thread ends with its namespace
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				return err
			}
			for range rounds {
				for _, fd := range spaces {
					if err := unix.Setns(fd, unix.CLONE_NEWNS); err != nil {
						return fmt.Errorf("enter a namespace: %w", err)
					}
					if err := doOnCPU(cpu, func() { getpgid(each) }); err != nil {
						return err
					}
					time.Sleep(time.Millisecond) // most counters are idle between two polls
				}
			}
			return nil
		})
	}
	ended := make(chan error)
	go func() { err := calling.Wait(); over.Store(true); ended <- err }()
	for !over.Load() {
		poll()
		time.Sleep(time.Millisecond)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for range 3 {
		poll()
	}
	s, err := tr.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if waits.Load() < 3 {
		t.Errorf("counters were given back %d times: too few for this test", waits.Load())
	}
	got := recorded(s)
	t.Logf("%d grace periods, %d of %d calls under [other]", waits.Load(), got[0], s.Programs[0].Calls())
	if n, want := s.Programs[0].Calls(), uint64(2*namespaces*rounds*each); n != want {
		t.Errorf("%d calls, want %d", n, want)
	}
	for _, ns := range numbers {
		if got[ns] > 2*rounds*each || got[0] == 0 && got[ns] != 2*rounds*each {
			t.Errorf("%d calls in namespace %d, want %d", got[ns], ns, 2*rounds*each)
		}
	}
}
