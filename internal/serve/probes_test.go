package serve

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// The clock of these servers is set by hand.
func withClock(late *atomic.Int64, change func(*Config)) func(*Config) {
	return func(c *Config) {
		c.now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
		if change != nil {
			change(c)
		}
	}
}

func TestAScrapeKeepsProbesUntilItLingersNoMore(t *testing.T) {
	var late atomic.Int64
	s := startServer(t, withClock(&late, nil))
	for range 3 {
		s.get(t, "/metrics")
		late.Add(int64(50 * time.Second))
	}
	if live, started := s.attached(); live != 1 || started != 1 {
		t.Errorf("%d sets of probes, %d ever; want one all the time", live, started)
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
		t.Error("what a client measured is not in the total")
	}
}

func TestAlwaysWaitsForAnEnforcerAndKeepsProbes(t *testing.T) {
	var late atomic.Int64
	s := startServer(t, withClock(&late, func(c *Config) { c.Always = true }))
	eventually(t, "probes", func() bool { live, _ := s.attached(); return live == 1 })
	s.get(t, "/debug/pprof/lsm?seconds=0.01")
	late.Add(int64(24 * time.Hour))
	if live, started := s.attached(); live != 1 || started != 1 {
		t.Errorf("%d sets of probes, %d ever; want one all the time", live, started)
	}
}

// The cells and rows of workloads that have ended are given back, but never while somebody measures.
func TestCrowdedProbesAreRenewed(t *testing.T) {
	for _, test := range []struct {
		name    string
		room    Room
		age     time.Duration
		renewed bool
	}{
		{"room", Room{0, 48, 64}, time.Hour, false},
		{"crowded", Room{0, 49, 64}, time.Hour, true},
		{"crowded, new", Room{0, 49, 64}, time.Minute, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var late atomic.Int64
			s := startServer(t, withClock(&late, func(c *Config) { c.Always, c.PollInterval = true, time.Hour }))
			s.set(func(src *source) { src.room = []Room{test.room} })
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
				t.Error("renewed under a client that measures")
			}
			<-a
			s.get(t, "/metrics")
			if live, started := s.attached(); live != 1 || (started == 2) != test.renewed {
				t.Errorf("%d sets of probes, %d ever", live, started)
			}
		})
	}
}

// Whatever comes and goes, the totals have every call once and never fall.
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
			t.Errorf("%d calls, want %d", total, all)
		}
		last = total
	}
}

// A total of differences does not fall where later intervals are more complete than earlier ones.
func TestTotalsDoNotFall(t *testing.T) {
	l := newLedger(1000, time.Now)
	add := func(rows []int, missed uint64) {
		s := profile.Snapshot{
			Start: time.Unix(1, 0), Duration: time.Second, Calibration: calibration,
			Programs: []profile.Program{{Name: "ref_file_open", Hook: "file_open", Enforcer: "reference", Missed: missed}},
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
		t.Errorf("%d opens, want the 10 that were timed and the 10 that were missed", opens())
	}
	add([]int{0, 1000}, 0)
	if opens() != 20 {
		t.Errorf("%d opens, want the 20 of before", opens())
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
