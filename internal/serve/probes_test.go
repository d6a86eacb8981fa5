package serve

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// withClock gives a server a clock that is late by as much as the test says.
func withClock(late *atomic.Int64, change func(*Config)) func(*Config) {
	return func(c *Config) {
		c.now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
		if change != nil {
			change(c)
		}
	}
}

func TestScrapeKeepsProbesForLinger(t *testing.T) {
	var late atomic.Int64
	s := startServer(t, withClock(&late, nil))
	for range 3 {
		s.get(t, "/metrics")
		late.Add(int64(50 * time.Second))
	}
	if live, started := s.attached(); live != 1 || started != 1 {
		t.Errorf("%d sets of probes attached, %d ever; want 1 and 1", live, started)
	}
	late.Add(int64(time.Minute))
	eventually(t, "the probes to go", func() bool { live, _ := s.attached(); return live == 0 })
}

func TestScrapesAttachNothingWithoutLinger(t *testing.T) {
	s := startServer(t, func(c *Config) { c.Linger = 0 })
	s.get(t, "/metrics")
	s.get(t, "/debug/pprof/lsm")
	if _, started := s.attached(); started != 0 {
		t.Error("a scrape attached probes")
	}
	s.get(t, "/debug/pprof/lsm?seconds=0.01")
	if _, _, body := s.get(t, "/debug/pprof/lsm"); calls(t, body) == 0 {
		t.Error("the total lacks what a client measured")
	}
}

func TestAlwaysWaitsForAnEnforcerAndKeepsProbes(t *testing.T) {
	var late atomic.Int64
	s := startServer(t, withClock(&late, func(c *Config) { c.Always = true }))
	eventually(t, "probes", func() bool { live, _ := s.attached(); return live == 1 })
	s.get(t, "/debug/pprof/lsm?seconds=0.01")
	late.Add(int64(24 * time.Hour))
	if live, started := s.attached(); live != 1 || started != 1 {
		t.Errorf("%d sets of probes attached, %d ever; want 1 and 1", live, started)
	}
}

// Counters and rows of workloads that have ended are given back, but never while a client measures.
func TestCrowdedProbesAreRenewed(t *testing.T) {
	for _, test := range []struct {
		name    string
		used    int // of 64 counters
		syscall string
		age     time.Duration
		renewed bool
	}{
		{"room left", 48, "openat", time.Hour, false},
		{"crowded", 49, "openat", time.Hour, true},
		{"crowded, new", 49, "openat", time.Minute, false},
		{"calls found no counter", 3, profile.SyscallOverflow, time.Hour, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var late atomic.Int64
			s := startServer(t,
				withClock(&late, func(c *Config) { c.Always, c.PollInterval = true, time.Hour }))
			s.set(func(src *source) {
				src.usage = []profile.CounterUsage{{Used: test.used, Counters: 64}}
				src.rows[0].Syscall = test.syscall
			})
			s.get(t, "/metrics")
			a := make(chan struct{})
			go func() {
				s.get(t, "/debug/pprof/lsm?seconds=0.2")
				close(a)
			}()
			eventually(t, "a client", func() bool { return s.probes.state().users == 1 })
			late.Add(int64(test.age))
			s.get(t, "/metrics")
			if _, started := s.attached(); started != 1 {
				t.Error("the probes were renewed while a client measured")
			}
			<-a
			s.get(t, "/metrics")
			if live, started := s.attached(); live != 1 || (started == 2) != test.renewed {
				t.Errorf("%d sets of probes attached, %d ever; want 1, renewed %t", live, started,
					test.renewed)
			}
		})
	}
}

// Totals hold every call once and never fall, however often probes are attached and detached.
func TestTotalsOverSeveralSetsOfProbes(t *testing.T) {
	s := startServer(t, func(c *Config) { c.Linger = 0 })
	var last int64
	for range 4 {
		s.get(t, "/debug/pprof/lsm?seconds=0.01")
		eventually(t, "the probes to go", func() bool { live, _ := s.attached(); return live == 0 })
		_, _, body := s.get(t, "/debug/pprof/lsm")
		total := calls(t, body)
		var all int64
		s.set(func(src *source) { all = src.calls })
		if total != all || total <= last {
			t.Errorf("%d calls, want %d and more than %d", total, all, last)
		}
		last = total
	}
}

// Totals do not fall if later intervals are more complete than earlier ones.
func TestTotalsDoNotFall(t *testing.T) {
	l := newLedger(1000, time.Now)
	add := func(rows []int, missed uint64) {
		s := profile.Snapshot{
			Start: time.Unix(1, 0), Duration: time.Second, Calibration: calibration,
			Programs: []profile.Program{{
				Name: "ref_file_open", Hook: "file_open", Enforcer: "reference",
				Missed: missed,
			}},
		}
		for i, n := range rows {
			r := profile.Row{Syscall: []string{"openat", "execve"}[i], Workload: web, Rules: 8}
			for range n {
				r.Readings.Add(1000)
				r.Sum += 1000
			}
			s.Programs[0].Timed += uint64(n)
			s.Rows = append(s.Rows, r)
		}
		if err := l.add(s, nil); err != nil {
			t.Fatal(err)
		}
	}
	opens := func() uint64 {
		w := workload{"shop/web-0/nginx", "shop", "web-0", "nginx"}
		return l.syscalls.rows[syscallSeries{"openat", w}].value.calls
	}
	add([]int{10}, 10)
	if opens() != 20 {
		t.Errorf("%d opens, want 10 timed and 10 missed ones", opens())
	}
	add([]int{0, 1000}, 0)
	if opens() != 20 {
		t.Errorf("%d opens, want 20 as before", opens())
	}
	if err := l.merge(); err != nil {
		t.Fatal(err)
	}
	var inProfile int64
	for _, s := range l.total.Sample {
		if s.Label["syscall"][0] == "openat" {
			inProfile += s.Value[0]
		}
	}
	if inProfile != 20 {
		t.Errorf("%d opens in the profile, want 20", inProfile)
	}
}
