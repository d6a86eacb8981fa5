package tracer

import (
	"context"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/cilium/ebpf/link"

	"github.com/lsmprof/lsmprof/internal/vmtest"
)

type between struct{ low, high uint64 }

// functionOn returns the function of the kernel that calls all modules on a hook.
func functionOn(t *testing.T, hook string) []Function {
	t.Helper()
	all, err := Functions([]string{Total})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f Function) bool { return f.Hook != hook })
}

// Every kind of probe shares counters, however it finds them.
func TestAllProbesShareCounters(t *testing.T) {
	if !vmtest.Guest(t).AtLeast(5, 18) {
		t.Skip("hook probes have no shared counters")
	}
	const namespaces, each, memory = 60, 8, 1 << 20
	exact := between{2 * each, 2 * each}
	pgids := func() { getpgid(each) }
	for _, c := range []struct {
		name    string
		hook    string
		flags   uint32
		context context.Context
		opts    Options
		syscall string
		call    func() // twice: the first call claims the counter
		want    between
	}{
		{"inline", "task_getpgid", 0, preemptible(false), Options{}, "getpgid", pgids, exact},
		{"inline, preemptible", "task_getpgid", 0, preemptible(true), Options{}, "getpgid", pgids, exact},
		{
			"filter", "task_getpgid", 0, preemptible(false),
			Options{Filter: Filter{PIDs: []uint32{uint32(os.Getpid())}}},
			"getpgid", pgids, exact,
		},
		{
			"function", "task_getpgid", 0, preemptible(false),
			Options{Functions: functionOn(t, "task_getpgid"), Select: func(Program) bool { return false }},
			"getpgid", pgids, exact,
		},
		// The distances between two samples vary by half their mean, and their sum in a namespace by 5 %.
		{
			"sampling", "task_getpgid", 0, preemptible(false),
			Options{Sample: 4},
			"getpgid", func() { getpgid(200) },
			between{240, 560},
		},
		{
			"sleepable", "file_open", sleepable, preemptible(false),
			Options{},
			"openat",
			func() { open(t, each) },
			between{2 * each, math.MaxUint64}, // Go opens files, too
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			prog := loadLSM(t, "shares", c.hook, c.flags, allow()...)
			l, err := link.AttachLSM(link.LSMOptions{Program: prog})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			c.opts.Memory = memory
			tr, err := Start(c.context, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			var spaces []uint32
			live(t, namespaces, func() {
				spaces = append(spaces, mountNamespace(t))
				c.call()
				c.call()
			})
			if err := tr.Poll(context.Background()); err != nil {
				t.Fatal(err)
			}
			s, err := tr.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			calls, shared := map[uint32]uint64{}, 0
			for i := range s.Rows {
				if r := &s.Rows[i]; r.Syscall == c.syscall {
					calls[r.Workload.MntNS] += r.Readings.Count() + r.Preempted
				}
			}
			for _, ns := range spaces {
				if calls[ns] < c.want.low || calls[ns] > c.want.high {
					t.Errorf("%d calls in namespace %d, want %d", calls[ns], ns, c.want)
				}
				if tr.set.order[0].probe.counters.sharedCalls(ns) > 0 {
					shared++
				}
			}
			if shared < namespaces/4 {
				t.Errorf("%d of %d namespaces have shared counters: too few for this test", shared,
					namespaces)
			}
		})
	}
}
