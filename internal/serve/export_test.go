package serve

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/otlp"
	"github.com/lsmprof/lsmprof/internal/otlp/otlptest"
)

// collector adds up the calls in what it receives.
type collector struct {
	mu       sync.Mutex
	calls    int64
	profiles int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := otlptest.Decode(r)
	if err != nil {
		w.WriteHeader(400)
		return
	}
	c.profiles++
	c.calls += otlptest.Sums(p)["calls"]
}

func (c *collector) received() (calls int64, profiles int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls, c.profiles
}

func exporting(t *testing.T, c *collector) func(*Config) {
	t.Helper()
	receiver := httptest.NewServer(c)
	t.Cleanup(receiver.Close)
	e, err := otlp.New(otlp.Config{Endpoint: receiver.URL})
	if err != nil {
		t.Fatal(err)
	}
	return func(config *Config) { config.Exporter, config.ExportInterval = e, 10*time.Millisecond }
}

// No call is lost between two profiles, nor counted in both.
func TestExportsHaveNoGaps(t *testing.T) {
	var c collector
	s := startServer(t, exporting(t, &c))
	eventually(t, "ten profiles", func() bool { _, n := c.received(); return n >= 10 })
	s.set(func(s *source) { s.rows = nil }) // no more calls
	// The reading that the first profile begins with counts a call as well.
	eventually(t, "all calls", func() bool {
		got, _ := c.received()
		return got == s.callsOf()-1
	})
	time.Sleep(50 * time.Millisecond)
	if got, _ := c.received(); got != s.callsOf()-1 {
		t.Errorf("%d calls received, want %d", got, s.callsOf()-1)
	}
	if live, started := s.attached(); live != 1 || started != 1 {
		t.Errorf("%d sets of probes of %d; want one all the time", live, started)
	}
}

func (s *source) callsOf() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func TestExportWaitsForAnEnforcer(t *testing.T) {
	var c collector
	var enforcer atomic.Bool
	tried := make(chan struct{}, 1)
	export := exporting(t, &c)
	startServer(t, func(config *Config) {
		export(config)
		start := config.Start
		config.Start = func(ctx context.Context) (Tracer, error) {
			if enforcer.Load() {
				return start(ctx)
			}
			select {
			case tried <- struct{}{}:
			default:
			}
			return nil, ErrNothing
		}
	})
	<-tried
	if _, n := c.received(); n != 0 {
		t.Errorf("%d profiles without an enforcer", n)
	}
	enforcer.Store(true)
	eventually(t, "a profile", func() bool { _, n := c.received(); return n > 0 })
}

// Probes that break do not end the exports.
func TestExportSurvivesBrokenProbes(t *testing.T) {
	var c collector
	s := startServer(t, exporting(t, &c))
	eventually(t, "a profile", func() bool { _, n := c.received(); return n > 0 })
	s.set(func(s *source) { s.pollErr = errBroken })
	eventually(t, "no probes", func() bool { live, _ := s.attached(); return live == 0 })
	s.set(func(s *source) { s.pollErr = nil })
	_, before := c.received()
	eventually(t, "the next profile", func() bool { _, n := c.received(); return n > before+1 })
}
