package serve

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// Both kinds of scrapes keep the probes, and no call between two of them is missed.
func TestScrapeKeepsProbesForLinger(t *testing.T) {
	for _, path := range []string{"/metrics", "/debug/pprof/lsm"} {
		inBubble(t, nil, func(t *testing.T, b *bubble) {
			for range 4 {
				b.get(t, path)
				time.Sleep(b.config.Linger - 2*time.Second)
			}
			if live, started := b.attached(); live != 1 || started != 1 {
				t.Errorf("%s: %d sets of probes attached, %d ever; want 1 and 1", path, live, started)
			}
			b.set(func(s *source) { s.rows = nil }) // no more calls
			if _, body := b.get(t, "/debug/pprof/lsm"); calls(t, body) != b.callsOf() || b.callsOf() < 400 {
				t.Errorf("%s: %d calls, want %d", path, calls(t, body), b.callsOf())
			}
			time.Sleep(b.config.Linger - time.Second)
			before, _ := b.attached()
			time.Sleep(3 * time.Second)
			if after, _ := b.attached(); before != 1 || after != 0 {
				t.Errorf("%s: %d sets of probes before the end of the time, %d after it", path, before,
					after)
			}
		})
	}
}

func TestMeasuredSeconds(t *testing.T) {
	inBubble(t, func(c *Config) { c.Linger = 0 }, func(t *testing.T, b *bubble) {
		b.get(t, "/debug/pprof/lsm?seconds=20")
		time.Sleep(time.Minute)
		b.get(t, "/debug/pprof/lsm?seconds=30")
		// 1 ns for each time that probes were attached
		const want = "\nlsmprof_measured_seconds_total 50.000000002\n"
		if _, text := b.get(t, "/metrics"); !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	})
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
	var enforcer atomic.Bool
	change := func(c *Config) {
		start := c.Start
		c.Always, c.Start = true, func(ctx context.Context) (Tracer, error) {
			if !enforcer.Load() {
				return nil, ErrNothing
			}
			return start(ctx)
		}
	}
	inBubble(t, change, func(t *testing.T, b *bubble) {
		time.Sleep(time.Hour)
		if code, _ := b.get(t, "/debug/pprof/lsm?seconds=1"); code != 503 {
			t.Errorf("without an enforcer: status %d, want 503", code)
		}
		enforcer.Store(true)
		time.Sleep(2 * retryInterval)
		b.get(t, "/debug/pprof/lsm?seconds=1")
		time.Sleep(24 * time.Hour)
		if live, started := b.attached(); live != 1 || started != 1 {
			t.Errorf("%d sets of probes attached, %d ever; want 1 and 1", live, started)
		}
	})
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
		{"crowded, new", 49, "openat", renewInterval - 1, false},
		{"crowded, not so new", 49, "openat", renewInterval, true},
		{"calls found no counter", 3, profile.SyscallOverflow, time.Hour, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var late atomic.Int64
			began := time.Now()
			s := startServer(t, func(c *Config) {
				c.now = func() time.Time { return began.Add(time.Duration(late.Load())) }
				c.Always, c.PollInterval = true, time.Hour
			})
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

func TestManyRowsCrowdTheProbes(t *testing.T) {
	for rows, want := range map[int]bool{20_000: false, 20_001: true} {
		p := probes{absorbed: profile.Snapshot{Rows: make([]profile.Row, rows)}}
		if got := p.crowded(); got != want {
			t.Errorf("%d rows: crowded %t, want %t", rows, got, want)
		}
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
