package serve

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// replay is a tracer that repeats what was recorded once, in a guest under the reference enforcer: two containers of a
// real containerd, shop/web-0/nginx with eight rules for files and shop/db-0/postgres with two.
type replay struct {
	recorded profile.Snapshot
	start    time.Time
	polls    uint64
}

// replayedDenials is how many calls are denied in what is repeated.
const replayedDenials = 3

func newReplay(t *testing.T) *replay {
	t.Helper()
	text, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{start: time.Now()}
	if err := json.Unmarshal(text, &r.recorded); err != nil {
		t.Fatal(err)
	}
	r.recorded.Rows[0].Denials = replayedDenials // nothing was denied while it was recorded
	return r
}

func (r *replay) Poll(context.Context) error { r.polls++; return nil }
func (r *replay) Close() error               { return nil }

func (r *replay) CounterUsage() (all []profile.CounterUsage) {
	for i := range r.recorded.Programs {
		all = append(all, profile.CounterUsage{Program: i, Used: 40, Counters: 1024})
	}
	return all
}

func (r *replay) Snapshot() (profile.Snapshot, error) {
	s := r.recorded
	s.Start, s.Duration = r.start, time.Since(r.start)
	s.Programs, s.Rows = append([]profile.Program(nil), s.Programs...), append([]profile.Row(nil), s.Rows...)
	for i := range s.Programs {
		s.Programs[i].Timed *= r.polls
		s.Programs[i].Preempted *= r.polls
		s.Programs[i].Missed *= r.polls
	}
	for i := range s.Rows {
		row := &s.Rows[i]
		row.Denials *= r.polls
		row.Preempted *= r.polls
		row.Sum *= r.polls
		for b := range row.Readings {
			row.Readings[b] *= r.polls
		}
	}
	return s, nil
}

// startReplay starts a server of the replay.
func startReplay(t *testing.T, change func(*Config)) *served {
	t.Helper()
	r := newReplay(t)
	return startServer(t, func(c *Config) {
		c.PollInterval = 100 * time.Millisecond
		c.Origin = r.recorded
		c.Origin.Programs, c.Origin.Rows, c.Origin.Start = nil, nil, time.Now()
		c.Start = func(context.Context) (Tracer, error) {
			again := *r
			again.start = time.Now()
			return &again, nil
		}
		c.InForce = func() (now InForce, err error) {
			now.Rules = []Rules{
				{"reference", web, "file", 8},
				{"reference", web, "exec", 4},
				{"reference", web, "net", 0},
			}
			for _, p := range r.recorded.Programs {
				now.Programs = append(now.Programs, ProgramInfo{
					p, "v1.2.0", "3b185187f1855c4c",
					1 << 20,
				})
			}
			now.MapBytes = map[string]uint64{"reference": 2 << 20}
			now.Slots, now.SlotLimit = map[string]int{"file_open": 3, "path_rename": 36}, 38
			return now, nil
		}
		if change != nil {
			change(c)
		}
	})
}
