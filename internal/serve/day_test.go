package serve

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

var scrapes = flag.Int("scrapes", 2, "how many scrapes of 10,000 workloads are simulated; 5760 are those of a day")

// busyNode is a tracer of a node with 10,000 workloads, 400 of which are replaced by others at each poll.
type busyNode struct {
	snap  profile.Snapshot
	first int // the oldest row whose workload still runs
}

const workloads, replaced = 10_000, 400

func newBusyNode(context.Context) (Tracer, error) {
	n := &busyNode{snap: profile.Snapshot{
		Start: time.Now(), Calibration: calibration,
		Programs: []profile.Program{{ID: 1, Name: "ref_file_open", Hook: "file_open", Enforcer: "reference"}},
	}}
	n.start(workloads)
	return n, nil
}

var pods int // that ever ran

func (n *busyNode) start(more int) {
	for range more {
		pods++
		w := profile.Workload{
			MntNS: uint32(pods), Namespace: "shop", Pod: fmt.Sprint("web-", pods), Container: "nginx",
		}
		n.snap.Rows = append(n.snap.Rows, profile.Row{Syscall: "openat", Workload: w, Rules: 8})
	}
}

func (n *busyNode) Poll(context.Context) error {
	n.start(replaced)
	n.first += replaced
	for i := n.first; i < len(n.snap.Rows); i++ {
		n.snap.Rows[i].Readings.Add(1000)
		n.snap.Rows[i].Sum += 1000
		n.snap.Programs[0].Timed++
	}
	return nil
}

func (n *busyNode) Snapshot() (profile.Snapshot, error) {
	s := n.snap
	s.Duration = time.Since(s.Start) + 1
	s.Programs, s.Rows = slices.Clone(s.Programs), slices.Clone(s.Rows)
	return s, nil
}

func (n *busyNode) CounterUsage() []profile.CounterUsage { return nil }
func (n *busyNode) Close() error                         { return nil }

// A day of scrapes, one every 15 s, leaves nothing behind, although other workloads come and go all the time.
//
//	go test ./internal/serve -run TestADay -v -timeout 0 -args -scrapes 5760
func TestADayOfScrapesDoesNotGrow(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds under the race detector")
	}
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	quiet := func(c *Config) { c.Start, c.PollInterval, c.MaxSeries = newBusyNode, 24*time.Hour, 2000 }
	inBubble(t, quiet, func(t *testing.T, b *bubble) {
		var most [2]uint64 // in use in the second quarter, and in the last
		for i := range *scrapes {
			status, text := b.get(t, "/metrics")
			if status != 200 || strings.Count(text, "\nlsmprof_calls_total{") > 2000 {
				t.Fatalf("status %d, %d series", status, strings.Count(text, "\nlsmprof_calls_total{"))
			}
			if i%16 == 0 || *scrapes < 100 {
				switch 4 * i / *scrapes {
				case 1:
					most[0] = max(most[0], memory())
				case 3:
					most[1] = max(most[1], memory())
				}
			}
			time.Sleep(15 * time.Second)
		}
		t.Logf("%d workloads in %d scrapes; at most %d bytes in use in the second quarter, %d in the last",
			pods, *scrapes, most[0], most[1])
		if *scrapes >= 400 && most[1] > most[0]+4<<20 {
			t.Errorf("at most %d bytes in use in the second quarter, %d in the last", most[0], most[1])
		}
	})
}
