package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lsmprof/lsmprof/profile"
)

// Config says what to serve, where and to whom.
type Config struct {
	Listen   string // host:port
	Insecure bool   // serve everybody who reaches Listen

	CertFile, KeyFile string // of the server; empty: no TLS
	ClientCAFile      string // whose certificates clients must show; empty: none
	TokenFile         string // the bearer token clients must show; empty: none

	Always       bool          // keep probes attached
	Linger       time.Duration // a scrape keeps them for so long
	MaxRequests  int           // at once
	MaxDuration  time.Duration // of one profile
	MaxSeries    int           // of each kind
	PollInterval time.Duration

	// Start attaches probes; it returns an ErrNothing where there is nothing to probe.
	Start func(context.Context) (Tracer, error)
	// Rules reads the rules in force now; nil: they cannot be read.
	Rules func() ([]Rules, error)
	// Origin says where the numbers come from: a snapshot without programs and rows.
	Origin profile.Snapshot

	now func() time.Time // nil: time.Now
}

// Server is `lsmprof serve`.
type Server struct {
	config Config
	creds  credentials
	probes *probes
	ledger *ledger
}

// New reads the files of c.
func New(c Config) (*Server, error) {
	if c.now == nil {
		c.now = time.Now
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	creds, err := newCredentials(c)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, creds: creds, ledger: newLedger(c.MaxSeries, c.now)}
	s.probes = &probes{
		start: c.Start, always: c.Always, linger: c.Linger, interval: c.PollInterval, now: c.now, wake: make(chan struct{}, 1),
		ctx: context.Background(),
		absorb: func(delta profile.Snapshot, room []Room) {
			if err := s.ledger.add(delta, room); err != nil {
				slog.Error("what was measured is not in the totals", "reason", err)
			}
		},
	}
	return s, nil
}

// drainTimeout is how long requests have to end when the server does.
const drainTimeout = 10 * time.Second

// Run serves until ctx is done: then requests that measure are answered at once, with what they have, and the probes are detached.
// listening is called with the address.
func (s *Server) Run(ctx context.Context, listening func(net.Addr) error) error {
	l, err := s.listen()
	if err != nil {
		return err
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer s.probes.close()
	server := &http.Server{
		Handler: s.handler(), TLSConfig: s.creds.tls(), MaxHeaderBytes: maxHeaderBytes, ReadHeaderTimeout: headerTimeout,
		IdleTimeout: idleTimeout, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
		Protocols: new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true) // which suffices, and has no streams to be limited
	s.probes.ctx = ctx
	var polling sync.WaitGroup
	polling.Go(s.probes.run)
	defer polling.Wait()
	defer cancel()

	served := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			served <- server.ServeTLS(l, "", "")
		} else {
			served <- server.Serve(l)
		}
	}()
	if err := listening(l.Addr()); err != nil {
		server.Close()
		return err
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, done := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer done()
	if err := server.Shutdown(drain); err != nil {
		server.Close()
		return fmt.Errorf("some requests did not end: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Server) handler() http.Handler {
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lsmprof_http_requests_total", Help: "Requests by path and status.",
	}, []string{"path", "code"})
	registry.MustRegister(newMetrics(s), requests, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn)})

	guarded := http.NewServeMux()
	guarded.HandleFunc("GET /debug/pprof/lsm", s.handleProfile)
	guarded.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		writeSoon(w)
		metrics.ServeHTTP(w, r)
	})
	guarded.HandleFunc("GET /{$}", index)
	all := http.NewServeMux()
	open := s.creds.allow(limit(s.config.MaxRequests, guarded))
	for _, path := range []string{"/debug/pprof/lsm", "/metrics", "/"} {
		all.Handle(path, promhttp.InstrumentHandlerCounter(requests.MustCurryWith(prometheus.Labels{"path": path}), open))
	}
	all.HandleFunc("GET /healthz", s.handleHealth)
	all.HandleFunc("GET /readyz", s.handleReady)
	return all
}

func index(w http.ResponseWriter, _ *http.Request) {
	writeSoon(w)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, `lsmprof serve

/debug/pprof/lsm?seconds=30  what BPF LSM programs cost in the next 30 s, for go tool pprof
/debug/pprof/lsm             the same since the server started
/metrics                     for Prometheus
/healthz /readyz             for who runs it
`)
}
