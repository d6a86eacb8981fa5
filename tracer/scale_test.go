package tracer

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// scale is a machine on which every workload makes every syscall on every CPU.
type scale struct{ workloads, programs, syscalls, cpus, memory int }

var (
	// full is what lsmprof must cope with on two CPUs: 280,000 keys.
	full = scale{workloads: 500, programs: 14, syscalls: 40, cpus: 2, memory: 128}
	// large is what lsmprof must cope with on a large node, with the default memory: 140,000 keys.
	large = scale{workloads: 250, programs: 14, syscalls: 40, cpus: 192, memory: 64}
)

// tracer returns a Tracer with counters as the probes leave them after each key had calls. found is the number of
// claims: keys that found a counter, in a front of each of some CPUs or in the shared part; other is the number of
// those that found none.
func (s scale) tracer() (t *Tracer, found, other int) {
	set := &probeSet{names: newWorkloads(nil)}
	set.names.proc = "/nowhere"
	t = &Tracer{set: set, rows: map[rowKey]*profile.Row{}}
	l := newLayout(share(s.memory<<20, 0, s.programs), s.cpus, firstCPUs(s.cpus))
	for p := range s.programs {
		c := &counters{mem: make(mapMemory, l.counters()*counterSize), layout: l}
		c.init()
		set.order = append(set.order, &probedTarget{
			probe: &probe{counters: c},
			sum: profile.Program{
				ID: uint32(p + 1), Name: fmt.Sprintf("program_%d", p), Hook: fmt.Sprintf("hook_%d", p),
			},
		})
		for cpu := range s.cpus {
			for w := range s.workloads {
				for nr := range s.syscalls {
					switch c.claim(cpu, uint32(4026532000+w), uint32(7*nr)) {
					case claimed:
						found++
					case foundNone:
						other++
					}
				}
			}
		}
	}
	s.run(t)
	return t, found, other
}

type claimResult int

const (
	claimed claimResult = iota
	foundOne
	foundNone
)

// claim finds or claims a counter as find of bpf/counters.h does.
func (c *counters) claim(cpu int, mntns, syscall uint32) claimResult {
	tag := uint64(syscall)<<32 | uint64(mntns)
	hash := uint32(home(tag))
	first := c.layout.of[cpu] * c.layout.front
	var places []int
	for way := range uint32(3) {
		places = append(places, first+int((hash+way*0x55)&uint32(c.layout.front-1)))
	}
	shared := int(uint64(hash*0x85ebca6b) * uint64(c.layout.shared-sharedWays+1) >> 32)
	for way := range sharedWays {
		places = append(places, c.layout.sharedFirst()+shared+way)
	}
	for i, place := range places {
		counter := c.at(place)
		switch counter.Tag {
		case tag:
			return foundOne
		case 0:
			counter.Tag = tag
			copy(counter.Comm[:], "workload")
			other := first
			if i >= 3 {
				other = c.layout.commonFront()
			}
			*c.claims(other)++
			return claimed
		}
	}
	return foundNone
}

// run adds six calls to each key.
func (s scale) run(t *Tracer) {
	for _, target := range t.set.order {
		c := target.probe.counters
		for i := range c.last {
			if counter := c.at(i); counter.Tag > tagClosing {
				for b := range 6 {
					counter.Readings[20+b]++
					counter.Sum += 800
				}
			}
		}
	}
}

// snapshot returns t.Snapshot without asking the kernel for the misses of probes that do not exist.
func snapshot(tb testing.TB, t *Tracer) profile.Snapshot {
	tb.Helper()
	var probes []*probe
	for _, target := range t.set.order {
		probes = append(probes, target.probe)
		target.probe = nil
	}
	s, err := t.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	for i, target := range t.set.order {
		target.probe = probes[i]
	}
	return s
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkScale reports CPU time, which other processes on the machine do not change.
func BenchmarkScale(b *testing.B) {
	for _, s := range []scale{
		{workloads: 100, programs: 14, syscalls: 5, cpus: 2, memory: 64},
		full,
		{workloads: 110, programs: 14, syscalls: 40, cpus: 64, memory: 64},
		large,
	} {
		name := fmt.Sprintf("workloads=%d/programs=%d/syscalls=%d/cpus=%d",
			s.workloads, s.programs, s.syscalls, s.cpus)
		b.Run(name, func(b *testing.B) {
			before := heap()
			t, found, _ := s.tracer()
			kernel := s.programs * len(t.set.order[0].probe.counters.mem)
			b.Run("first-poll", func(b *testing.B) {
				var fresh *Tracer
				repeat(b, func() { fresh, _, _ = s.tracer() }, func() { fresh.collect() })
			})
			t.collect()
			b.Run("poll-busy", func(b *testing.B) { repeat(b, func() { s.run(t) }, t.collect) })
			t.collect() // what has changed is looked at twice
			b.Run("poll-idle", func(b *testing.B) { repeat(b, func() {}, t.collect) })
			b.Run("snapshot", func(b *testing.B) {
				repeat(b, func() {}, func() { snapshot(b, t) })
				b.ReportMetric(float64(found), "counters")
				b.ReportMetric(float64(len(t.rows)), "rows")
				b.ReportMetric(float64(heap()-before-uint64(kernel))/1e6, "heap-MB")
				b.ReportMetric(float64(kernel)/1e6, "kernel-MB")
			})
			runtime.KeepAlive(t)
		})
	}
}

func repeat(b *testing.B, prepare, do func()) {
	var cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		prepare()
		runtime.GC() // what prepare left
		before := kernel.CPUTime()
		b.StartTimer()
		do()
		b.StopTimer()
		cpu += kernel.CPUTime() - before
		b.StartTimer()
	}
	b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op")
}

// With the default memory, every key of a large node finds a counter, wherever it runs.
func TestLargeNodesHaveEnoughCounters(t *testing.T) {
	vmtest.Host(t)
	for _, s := range []scale{
		{workloads: 250, programs: 14, syscalls: 40, cpus: 2, memory: 64},
		{workloads: 110, programs: 14, syscalls: 40, cpus: 64, memory: 64},
		{workloads: 250, programs: 14, syscalls: 40, cpus: 64, memory: 64},
		{workloads: 110, programs: 14, syscalls: 40, cpus: 192, memory: 64},
		large,
	} {
		l := newLayout(share(s.memory<<20, 0, s.programs), s.cpus, firstCPUs(s.cpus))
		c := &counters{mem: make(mapMemory, l.counters()*counterSize), layout: l}
		c.init()
		missing, rng := 0, rand.New(rand.NewPCG(1, 2))
		for _, cpu := range rng.Perm(s.cpus) {
			for _, w := range rng.Perm(s.workloads) {
				for nr := range s.syscalls {
					if c.claim(cpu, uint32(4026532000+3*w), uint32(7*nr)) == foundNone {
						missing++
					}
				}
			}
		}
		calls := s.cpus * s.workloads * s.syscalls
		share := 100 * float64(missing) / float64(calls)
		t.Logf("%d CPUs, %d workloads: %.3f %%, %d MiB", s.cpus, s.workloads, share, s.programs*len(c.mem)>>20)
		if share > 0.1 || s.programs*len(c.mem) > s.memory<<20 {
			t.Errorf("%d CPUs, %d workloads: %.2f %% of the calls are under [other], in %d MiB", s.cpus,
				s.workloads,
				share, s.programs*len(c.mem)>>20)
		}
	}
}

// TestManyKeysAreReadQuickly bounds what BenchmarkScale measures, with a tenth of the keys because the race detector
// is slow.
func TestManyKeysAreReadQuickly(t *testing.T) {
	vmtest.Host(t)
	tenth := full
	tenth.syscalls, tenth.memory = full.syscalls/10, full.memory/8
	tracer, found, other := tenth.tracer()
	all := tenth.workloads * tenth.programs * tenth.syscalls
	if other > 0 {
		t.Fatalf("%d keys found no counter", other)
	}
	tracer.collect()
	tenth.run(tracer)
	tracer.collect()
	tracer.collect() // what has changed is looked at twice
	if got := testing.AllocsPerRun(1, func() { tracer.collect() }); got > 100 {
		t.Errorf("a poll while nothing happens allocates %v times", got)
	}
	began := kernel.CPUTime()
	s := snapshot(t, tracer)
	if took := kernel.CPUTime() - began; took > 5*time.Second {
		t.Errorf("a snapshot of %d rows took %v of CPU time", len(s.Rows), took)
	}
	var calls uint64
	for i := range s.Rows {
		calls += s.Rows[i].Readings.Count()
	}
	if want := uint64(2 * 6 * found); calls != want || len(s.Rows) != all {
		t.Errorf("%d calls in %d rows, want %d in %d", calls, len(s.Rows), want, all)
	}
}

func TestManyCountersAreReadLessOften(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond:       PollInterval,
		100 * time.Millisecond: 900 * time.Millisecond,
		time.Minute:            2 * time.Second,
	} {
		if got := (&Tracer{draining: took}).interval(); got != want {
			t.Errorf("after a drain of %v: %v, want %v", took, got, want)
		}
	}
}
