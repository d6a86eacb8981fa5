package tracer

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/bpf"
	"github.com/lsmprof/lsmprof/internal/kernel"
	"github.com/lsmprof/lsmprof/internal/vmtest"
	"github.com/lsmprof/lsmprof/profile"
)

// scale is a machine on which every workload makes every syscall.
type scale struct{ workloads, programs, syscalls, cpus, counters int }

// full is what lsmprof must cope with: 280,000 keys on each of two CPUs.
var full = scale{workloads: 500, programs: 14, syscalls: 40, cpus: 2, counters: 1 << 15}

// tracer returns a Tracer with counters as the probes leave them after each key had calls. found is the number of keys
// that found a counter.
func (s scale) tracer() (t *Tracer, found int) {
	set := &probeSet{names: newWorkloads(nil)}
	set.names.proc = "/nowhere"
	t = &Tracer{set: set, rows: map[rowKey]*profile.Row{}}
	for p := range s.programs {
		all := s.cpus * s.counters
		c := &counters{mem: make(mapMemory, all*counterSize), last: make([]*bpf.ProbeCounter, all)}
		set.order = append(set.order, &probedTarget{
			probe: &probe{counters: c},
			sum: profile.Program{
				ID: uint32(p + 1), Name: fmt.Sprintf("program_%d", p), Hook: fmt.Sprintf("hook_%d", p),
			},
		})
		for cpu := range s.cpus {
			c.at(cpu * s.counters).Tag = sharedCounter
			for w := range s.workloads {
				for nr := range s.syscalls {
					if s.claim(c, cpu, uint32(4026532000+w), uint32(7*nr)) {
						found++
					}
				}
			}
		}
	}
	s.run(t)
	return t, found
}

// claim claims a counter as find of bpf/counters.h does. It reports whether one was free.
func (s scale) claim(c *counters, cpu int, mntns, syscall uint32) bool {
	for way := range uint32(5) {
		i := (mntns*0x9E3779B1 + syscall + way*0x55) & uint32(s.counters-1)
		if counter := c.at(cpu*s.counters + int(i)); counter.Tag == 0 {
			counter.Tag = uint64(syscall)<<32 | uint64(mntns)
			copy(counter.Comm[:], "workload")
			return true
		}
	}
	return false
}

// run adds six calls to each key.
func (s scale) run(t *Tracer) {
	for _, target := range t.set.order {
		c := target.probe.counters
		for i := range c.last {
			if counter := c.at(i); counter.Tag > sharedCounter {
				for b := range 6 {
					counter.Readings[30+b]++
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
		{workloads: 100, programs: 14, syscalls: 5, cpus: 2, counters: 1 << 10},
		full,
	} {
		name := fmt.Sprintf("workloads=%d/programs=%d/syscalls=%d/cpus=%d",
			s.workloads, s.programs, s.syscalls, s.cpus)
		b.Run(name, func(b *testing.B) {
			before := heap()
			t, found := s.tracer()
			kernel := s.programs * s.cpus * s.counters * counterSize
			b.Run("first-poll", func(b *testing.B) {
				var fresh *Tracer
				repeat(b, func() { fresh, _ = s.tracer() }, func() { fresh.collect() })
			})
			t.collect()
			b.Run("poll-busy", func(b *testing.B) { repeat(b, func() { s.run(t) }, t.collect) })
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

// TestManyKeysAreReadQuickly bounds what BenchmarkScale measures, with a tenth of the keys because the race detector
// is slow.
func TestManyKeysAreReadQuickly(t *testing.T) {
	vmtest.Host(t)
	tenth := full
	tenth.syscalls, tenth.counters = full.syscalls/10, full.counters/8
	tracer, found := tenth.tracer()
	all := tenth.workloads * tenth.programs * tenth.syscalls
	if found < 9*all*tenth.cpus/10 {
		t.Fatalf("%d counters are taken by %d keys on %d CPUs", found, all, tenth.cpus)
	}
	tracer.collect()
	tenth.run(tracer)
	tracer.collect()
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
	if want := uint64(2 * 6 * found); calls != want || len(s.Rows) > all || len(s.Rows) < 9*all/10 {
		t.Errorf("%d calls in %d rows, want %d in at most %d", calls, len(s.Rows), want, all)
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
