package top_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/top"
	"github.com/lsmprof/lsmprof/profile"
)

// recording has one more call in every snapshot.
type recording struct {
	calls   uint64
	sampled []int
}

func (r *recording) Poll(context.Context) error { return nil }

func (r *recording) SampleLines(hz int) error {
	r.sampled = append(r.sampled, hz)
	return nil
}

func (r *recording) Snapshot() (profile.Snapshot, error) {
	r.calls++
	row := profile.Row{Syscall: "openat", Workload: profile.Workload{MntNS: 1, Comm: "sh"}}
	for range r.calls {
		row.Readings.Add(500)
		row.Sum += 500
	}
	return profile.Snapshot{
		Start: time.Unix(0, 0), Duration: time.Duration(r.calls) * time.Second,
		Programs: []profile.Program{{Name: "p", Hook: "file_open", Timed: r.calls}}, Rows: []profile.Row{row},
	}, nil
}

func feedOf(r *recording) *top.Feed {
	return &top.Feed{
		Recording: r, PollInterval: time.Hour, Lines: 99,
		CPUTime: func() time.Duration { return time.Duration(r.calls) * time.Millisecond },
	}
}

// Each interval has the calls since the one before.
func TestFeedCutsIntervals(t *testing.T) {
	r := &recording{calls: 4}
	f, m := feedOf(r), top.New(0, time.Millisecond)
	var shown []string
	err := f.Run(t.Context(), m, 3, nil, func() error {
		var b bytes.Buffer
		err := m.WriteJSON(&b)
		shown = append(shown, b.String())
		return err
	}, nil)
	if err != nil || len(shown) != 3 || f.Last().Duration != 7*time.Second {
		t.Fatalf("%d intervals until %v, %v", len(shown), f.Last().Duration, err)
	}
	for i, calls := range []int{5, 1, 1} {
		if want := fmt.Sprintf(`"calls":%d,`, calls); !strings.Contains(shown[i], want) {
			t.Errorf("interval %d: %s; want %s", i, shown[i], want)
		}
	}
}

// The insides of programs are sampled while the user looks at them.
func TestFeedSamplesLinesOnDemand(t *testing.T) {
	r := &recording{}
	f, m := feedOf(r), top.New(0, time.Hour)
	events := make(chan top.Event)
	go func() {
		for range 4 {
			events <- nil
		}
	}()
	keys := []string{"l", "x", "l", "q"}
	err := f.Run(t.Context(), m, 0, events, nil, func(top.Event) bool {
		key := keys[0]
		keys = keys[1:]
		return m.Key(key)
	})
	if want := []int{99, 0}; err != nil || !slices.Equal(r.sampled, want) {
		t.Errorf("sampled at %v Hz, %v; want %v", r.sampled, err, want)
	}
}
