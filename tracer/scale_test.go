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

// scale is a machine that is full.
type scale struct{ workloads, programs, syscalls, cpus, cells int }

// full is what issue 3 wants held: 280,000 keys, on each of two CPUs.
var full = scale{workloads: 500, programs: 14, syscalls: 40, cpus: 2, cells: 1 << 15}

// tracer is one whose programs ran everywhere, with counters as the probes leave them; keys is how many found one.
func (s scale) tracer() (t *Tracer, keys int) {
	t = &Tracer{rows: map[rowKey]*profile.Row{}, names: newWorkloads(nil)}
	t.names.proc = "/nowhere"
	for p := range s.programs {
		c := &cells{mem: make(mapped, s.cpus*s.cells*cellSize), last: make([]*bpf.ProbeCounter, s.cpus*s.cells)}
		t.order = append(t.order, &traced{
			probe: &probe{cells: c},
			sum:   profile.Program{ID: uint32(p + 1), Name: fmt.Sprintf("program_%d", p), Hook: fmt.Sprintf("hook_%d", p)},
		})
		for cpu := range s.cpus {
			c.at(cpu * s.cells).Tag = cellOther
			for w := range s.workloads {
				for nr := range s.syscalls {
					if s.place(c, cpu, uint32(4026532000+w), uint32(7*nr)) {
						keys++
					}
				}
			}
		}
	}
	s.run(t)
	return t, keys
}

// place takes a cell as find of bpf/counters.h does.
func (s scale) place(c *cells, cpu int, mntns, syscall uint32) bool {
	for way := range uint32(5) {
		i := (mntns*0x9E3779B1 + syscall + way*0x55) & uint32(s.cells-1)
		if cell := c.at(cpu*s.cells + int(i)); cell.Tag == 0 {
			cell.Tag = uint64(syscall)<<32 | uint64(mntns)
			copy(cell.Comm[:], "workload")
			return true
		}
	}
	return false
}

// run has every key called some times more.
func (s scale) run(t *Tracer) {
	for _, tr := range t.order {
		for i := range len(tr.probe.cells.mem) / cellSize {
			if cell := tr.probe.cells.at(i); cell.Tag > cellOther {
				for b := range 6 {
					cell.Readings[30+b]++
					cell.Sum += 800
				}
			}
		}
	}
}

// snapshot is Snapshot, which asks the kernel for misses only of programs that are probed.
func snapshot(tb testing.TB, t *Tracer) profile.Snapshot {
	tb.Helper()
	var probes []*probe
	for _, tr := range t.order {
		probes = append(probes, tr.probe)
		tr.probe = nil
	}
	s, err := t.Snapshot()
	if err != nil {
		tb.Fatal(err)
	}
	for i, tr := range t.order {
		tr.probe = probes[i]
	}
	return s
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// CPU time is what to compare: others may run beside.
func BenchmarkScale(b *testing.B) {
	for _, s := range []scale{
		{workloads: 100, programs: 14, syscalls: 5, cpus: 2, cells: 1 << 10},
		full,
	} {
		b.Run(fmt.Sprintf("workloads=%d/programs=%d/syscalls=%d/cpus=%d", s.workloads, s.programs, s.syscalls, s.cpus), func(b *testing.B) {
			before := heap()
			t, keys := s.tracer()
			kernel := s.programs * s.cpus * s.cells * cellSize
			b.Run("first-poll", func(b *testing.B) {
				var fresh *Tracer
				repeat(b, func() { fresh, _ = s.tracer() }, func() { _ = fresh.charge() })
			})
			_ = t.charge()
			b.Run("poll-busy", func(b *testing.B) { repeat(b, func() { s.run(t) }, func() { _ = t.charge() }) })
			b.Run("poll-idle", func(b *testing.B) { repeat(b, func() {}, func() { _ = t.charge() }) })
			b.Run("snapshot", func(b *testing.B) {
				repeat(b, func() {}, func() { snapshot(b, t) })
				b.ReportMetric(float64(keys), "cells")
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
		runtime.GC() // of what was prepared
		before := kernel.CPUTime()
		b.StartTimer()
		do()
		b.StopTimer()
		cpu += kernel.CPUTime() - before
		b.StartTimer()
	}
	b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op")
}

// What the figures of docs/measuring.md must not exceed many times over, on a tenth of the keys: the race detector looks at each.
func TestManyKeysAreReadQuickly(t *testing.T) {
	vmtest.Host(t)
	tenth := full
	tenth.syscalls, tenth.cells = full.syscalls/10, full.cells/8
	tracer, keys := tenth.tracer()
	all := tenth.workloads * tenth.programs * tenth.syscalls
	if keys < 9*all*tenth.cpus/10 {
		t.Fatalf("%d cells are taken, of %d keys on %d CPUs", keys, all, tenth.cpus)
	}
	if err := tracer.charge(); err != nil {
		t.Fatal(err)
	}
	tenth.run(tracer)
	if err := tracer.charge(); err != nil {
		t.Fatal(err)
	}
	if got := testing.AllocsPerRun(1, func() { _ = tracer.charge() }); got > 100 {
		t.Errorf("a poll while nothing happens allocates %v times", got)
	}
	began := time.Now()
	s := snapshot(t, tracer)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a snapshot of %d rows took %v", len(s.Rows), took)
	}
	var calls uint64
	for i := range s.Rows {
		calls += s.Rows[i].Readings.Count()
	}
	if want := uint64(2 * 6 * keys); calls != want || len(s.Rows) > all || len(s.Rows) < 9*all/10 {
		t.Errorf("%d calls in %d rows, want %d in %d or less", calls, len(s.Rows), want, all)
	}
}

func TestManyCountersAreReadLessOften(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond:       PollInterval,
		100 * time.Millisecond: 900 * time.Millisecond,
		time.Minute:            2 * time.Second,
	} {
		if got := (&Tracer{draining: took}).pause(); got != want {
			t.Errorf("after a reading of %v: %v, want %v", took, got, want)
		}
	}
}
