package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// source starts tracers and counts them. Every Poll of a tracer adds one call to each of its rows.
type source struct {
	mu       sync.Mutex
	live     int
	started  int
	calls    int64 // of all tracers
	startErr error
	pollErr  error
	rows     []profile.Row
	usage    []profile.CounterUsage
}

type fakeTracer struct {
	*source
	snap profile.Snapshot
}

var web = profile.Workload{MntNS: 7, Comm: "nginx", Namespace: "shop", Pod: "web-0", Container: "nginx"}

func newSource() *source {
	return &source{
		rows:  []profile.Row{{Syscall: "openat", Workload: web, Rules: 8}},
		usage: []profile.CounterUsage{{Program: 0, Used: 3, Counters: 64}},
	}
}

func (s *source) start(context.Context) (Tracer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.startErr != nil {
		return nil, s.startErr
	}
	s.live++
	s.started++
	return &fakeTracer{s, profile.Snapshot{
		Start: time.Now(),
		Programs: []profile.Program{
			{ID: 1, Name: "ref_file_open", Hook: "file_open", Enforcer: "reference"},
		},
		Calibration: calibration,
	}}, nil
}

var calibration = profile.Calibration{
	Runs: 400, Bias: profile.Median{Value: 100}, Dispatch: profile.Median{Value: 150},
	ProbeCost: profile.Median{Value: 500},
}

func (t *fakeTracer) Poll(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pollErr != nil {
		return t.pollErr
	}
	for _, r := range t.rows {
		i := slices.IndexFunc(t.snap.Rows, func(was profile.Row) bool {
			return was.Syscall == r.Syscall && was.Workload == r.Workload && was.Rules == r.Rules
		})
		if i < 0 {
			i = len(t.snap.Rows)
			t.snap.Rows = append(t.snap.Rows, r)
		}
		row := &t.snap.Rows[i]
		row.Readings.Add(1000)
		row.Sum += 1000
		t.snap.Programs[0].Timed++
		t.calls++
	}
	return nil
}

func (t *fakeTracer) Snapshot() (profile.Snapshot, error) {
	s := t.snap
	s.Duration = time.Since(s.Start) + 1 // never 0, in virtual time neither
	s.Programs = append([]profile.Program(nil), s.Programs...)
	s.Rows = append([]profile.Row(nil), s.Rows...)
	return s, nil
}

func (t *fakeTracer) CounterUsage() []profile.CounterUsage { return t.usage }

func (t *fakeTracer) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live--
	return nil
}

func (s *source) set(change func(*source)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *source) attached() (live, started int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live, s.started
}

// served is a running server with its client.
type served struct {
	*Server
	*source
	url    string
	client *http.Client
	stop   func()
	ended  chan error
}

func startServer(t *testing.T, change func(*Config)) *served {
	t.Helper()
	src := newSource()
	c := Config{
		Listen: "127.0.0.1:0", Linger: time.Minute, MaxRequests: 4, MaxDuration: time.Minute, MaxSeries: 1000,
		PollInterval: time.Millisecond, Start: src.start,
		Origin: profile.Snapshot{Start: time.Now(), Version: "v1", Calibration: calibration},
	}
	if change != nil {
		change(&c)
	}
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &served{
		Server: server, source: src, client: &http.Client{Transport: &http.Transport{}}, stop: stop,
		ended: make(chan error, 1),
	}
	address := make(chan string, 1)
	go func() {
		s.ended <- server.Run(ctx, func(a net.Addr) error { address <- a.String(); return nil })
	}()
	select {
	case a := <-address:
		s.url = "http://" + a
	case err := <-s.ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		stop()
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		if live, _ := src.attached(); live != 0 {
			t.Errorf("%d sets of probes are still attached after the server", live)
		}
	})
	return s
}

var errBroken = errors.New("broken")

// eventually waits until another goroutine has done something.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 5 minutes for %s", what)
		}
	}
}
