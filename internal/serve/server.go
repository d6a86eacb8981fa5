package serve

import (
	"context"
	"errors"
	"fmt"
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

// Server is `lsmprof serve`.
type Server struct {
	config Config
	log    *slog.Logger
	creds  credentials
	probes *probes
	ledger *ledger
}

// New returns a server that is not listening yet. It reads the files of c, and returns a *ConfigError if a setting or a
// file is wrong.
func New(c Config) (*Server, error) {
	if c.now == nil {
		c.now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	creds, err := newCredentials(c, c.Logger)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, log: c.Logger, creds: creds, ledger: newLedger(c.MaxSeries, c.now)}
	s.probes = &probes{
		start: c.Start, always: c.Always, linger: c.Linger, interval: c.PollInterval, now: c.now, log: c.Logger,
		wake: make(chan struct{}, 1), ctx: context.Background(),
		absorb: func(delta profile.Snapshot, usage []profile.CounterUsage) {
			if err := s.ledger.add(delta, usage); err != nil {
				s.log.Error("the totals lack what was measured", "reason", err)
			}
		},
	}
	return s, nil
}

// drainTimeout is how long requests have to end when the server does.
const drainTimeout = 10 * time.Second

// Run serves until ctx is done. Then it ends requests that are measuring, which get a profile of the time until now,
// and detaches the probes. It calls listening with the address when clients can connect.
func (s *Server) Run(ctx context.Context, listening func(net.Addr) error) error {
	l, err := s.listen()
	if err != nil {
		return err
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer s.probes.close()
	server := s.httpServer()
	s.probes.ctx = ctx
	var polling sync.WaitGroup
	polling.Go(s.probes.run)
	if s.config.Exporter != nil {
		polling.Go(func() { s.config.Exporter.Run(ctx) })
		polling.Go(func() { s.export(ctx) })
	}
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

// httpServer returns the server without a listener. Its limits hold on every path, before credentials are checked.
func (s *Server) httpServer() *http.Server {
	server := &http.Server{
		Handler:           s.handler(),
		TLSConfig:         s.creds.tls(),
		MaxHeaderBytes:    maxHeaderBytes - slopBytes,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnContext:       connContext,
		Protocols:         new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true) // suffices, and has no streams to be limited
	return server
}

func (s *Server) handler() http.Handler {
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lsmprof_http_requests_total", Help: "Requests by path and status.",
	}, []string{"path", "code"})
	registry.MustRegister(newMetrics(s), requests,
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// One metric that cannot be exported must not hide all others.
	metrics := promhttp.HandlerFor(registry,
		promhttp.HandlerOpts{ErrorLog: metricsLog{s.log}, ErrorHandling: promhttp.ContinueOnError})

	guarded := http.NewServeMux()
	guarded.HandleFunc("GET /debug/pprof/lsm", s.handleProfile)
	guarded.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if err := s.probes.scrape(client{r.RemoteAddr, "scrape"}); err != nil {
			s.log.Debug("the scrape has nothing new", "reason", err)
		}
		writeSoon(w)
		metrics.ServeHTTP(w, r)
	})
	all := http.NewServeMux()
	count := func(path string, h http.Handler) http.Handler {
		return promhttp.InstrumentHandlerCounter(requests.MustCurryWith(prometheus.Labels{"path": path}), h)
	}
	open := s.creds.allow(limit(s.config.MaxRequests, guarded))
	for _, path := range []string{"/debug/pprof/lsm", "/metrics", "/"} {
		all.Handle(path, count(path, open))
	}
	all.Handle("GET /{$}", count("/", http.HandlerFunc(s.index)))
	all.HandleFunc("GET /healthz", s.handleHealth)
	all.HandleFunc("GET /readyz", s.handleReady)
	trusting := s.creds.token == nil && s.creds.clients == nil
	if local, err := loopback(s.config.Listen); err == nil && local && trusting {
		return whole(ownHost(s.config.Listen, all))
	}
	return whole(all)
}
