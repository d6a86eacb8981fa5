package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/serve"
	"github.com/lsmprof/lsmprof/internal/serve/live"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	session
	otlpFlags
	config serve.Config
}

func (o *serveOptions) flags(f *cmdline.Flags) {
	c := &o.config
	f.Group("Who may connect")
	f.StringVar(&c.Listen, "listen", "127.0.0.1:6061",
		"Listen on `HOST:PORT`. A host that is not loopback needs a token or client certificates.")
	f.Var(cmdline.File(&c.TokenFile), "token-file", "Require the bearer token in this file.")
	f.Var(cmdline.File(&c.CertFile), "tls-cert", "Serve TLS with the certificate (chain) in this PEM file.")
	f.Var(cmdline.File(&c.KeyFile), "tls-key", "Take the key of --tls-cert from this PEM file.")
	f.Var(cmdline.File(&c.ClientCAFile), "client-ca",
		"Require a certificate that an authority in this PEM file has signed.")
	f.BoolVar(&c.Insecure, "insecure", false, "Serve the network without a token or client certificates.")
	f.Group("When probes are attached")
	f.BoolVar(&c.Always, "always", false,
		"Keep probes attached. By default they are attached only while a client measures or scrapes.")
	c.Linger, c.MaxRequests, c.MaxDuration, c.MaxSeries = 2*time.Minute, 16, 5*time.Minute, 2000
	f.Var(cmdline.Duration(&c.Linger, 0), "linger",
		"Keep probes attached for this long after a scrape; with 0 a scrape attaches none.")
	f.Group("Where else profiles go")
	o.otlpFlags.flags(f)
	c.ExportInterval = 15 * time.Second
	f.Var(cmdline.Duration(&c.ExportInterval, time.Second), "otlp-interval",
		"Send a profile this often. Probes are attached all the time then.")
	f.Group("Limits")
	f.Var(cmdline.Int(&c.MaxRequests, 1, 1<<16), "max-requests", "Answer this many requests at once.")
	f.Var(cmdline.Duration(&c.MaxDuration, time.Second), "max-duration", "Refuse profiles that are longer.")
	f.Var(cmdline.Int(&c.MaxSeries, 100, 1<<24), "max-series",
		"Export this many series of a metric, and fold the rest into [other].")
	o.session.flags(f)
	o.host.flags(f)
	f.Lookup("ready-file").Usage = "When listening, create this `FILE` with the address in it."
}

func serveCommand() *command {
	return &command{
		Command: cmdline.Command{
			Name: "serve", Group: groupRun,
			Summary: "Serve profiles and metrics over HTTP, for pprof and Prometheus",
			Text: "/debug/pprof/lsm?seconds=N answers with a profile, /metrics with counters. " +
				"Probes are attached on the first request and detached after the last.",
			Examples: []cmdline.Example{
				{What: "Serve this machine only", Command: "sudo lsmprof serve"},
				{
					What:    "Serve the network to clients that send a token",
					Command: "sudo lsmprof serve --listen :6061 --token-file /etc/lsmprof/token",
				},
				{
					What:    "Take a profile",
					Command: "go tool pprof 'http://127.0.0.1:6061/debug/pprof/lsm?seconds=30'",
				},
			},
		},
		setup: func(f *cmdline.Flags) action {
			var o serveOptions
			o.flags(f)
			return func(ctx context.Context, std streams, args []string) error {
				o.invocation = invocation("serve", args)
				if err := o.validate(); err != nil {
					return usageError{fmt.Errorf("serve: %w", err)}
				}
				return o.run(ctx, std)
			}
		},
	}
}

func (o *serveOptions) run(ctx context.Context, std streams) (err error) {
	defer o.unknown.close(&err)
	if o.config.Exporter, err = o.exporter(); err != nil {
		return usageError{fmt.Errorf("serve: %w", err)}
	}
	if err := o.prepare(ctx); err != nil {
		return classify(err)
	}
	server, err := serve.New(o.config)
	if err != nil {
		return o.named(err)
	}
	return server.Run(ctx, func(addr net.Addr) error { return o.listening(std.err, addr) })
}

func (o *serveOptions) validate() error {
	if err := o.config.Validate(); err != nil {
		return o.named(err)
	}
	return o.session.validate()
}

// named returns an error of the server with the flags of its settings.
func (o *serveOptions) named(err error) error {
	var wrong *serve.ConfigError
	if !errors.As(err, &wrong) {
		return err
	}
	flag, advice := map[string]string{
		"Listen": "--listen", "CertFile": "--tls-cert and --tls-key", "ClientCAFile": "--client-ca",
		"TokenFile": "--token-file",
	}[wrong.Setting], ""
	if errors.Is(err, serve.ErrExposed) {
		advice = ". Give --token-file, or --client-ca with --tls-cert and --tls-key; --insecure needs neither"
	}
	return fmt.Errorf("%s: %w%s", strings.TrimSpace(flag+" "+wrong.Value), wrong.Err, advice)
}

// prepare calibrates once: totals over the life of the server need one bias.
func (o *serveOptions) prepare(ctx context.Context) error {
	if err := o.findFunctions(); err != nil {
		return err
	}
	for _, note := range o.functions.Notes("--hook") {
		slog.Info(note)
	}
	opts := o.baseOptions()
	if o.calibrate == "on" {
		var err error
		if opts.Calibration, err = o.calibration(ctx); err != nil {
			return err
		}
	}
	if err := o.containers.watch(ctx); err != nil {
		return err
	}
	c := &o.config
	c.PollInterval, c.Logger = tracer.PollInterval, slog.Default()
	c.Origin = o.withProvenance(profile.Snapshot{
		Start: time.Now(), Calibration: opts.Calibration, Sample: opts.Sample,
	})
	c.InForce = func() (serve.InForce, error) { return live.InForce(o.unknown.registry(), &o.containers) }
	c.Start = func(ctx context.Context) (serve.Tracer, error) {
		if err := o.requirePrograms(); err != nil {
			if errors.As(err, new(nothingToMeasureError)) {
				return nil, fmt.Errorf("%w: %w", serve.ErrNothing, err)
			}
			return nil, err
		}
		t, err := o.startTracer(ctx, opts)
		return servedTracer{t}, err
	}
	return nil
}

// servedTracer closes the maps of enforcers with its probes: an idle server keeps no map alive whose enforcer is gone.
type servedTracer struct{ sessionTracer }

func (t servedTracer) Close() (err error) {
	defer t.session.unknown.close(&err)
	return t.sessionTracer.Close()
}

// calibration measures the probes when the node is quiet, or reads an earlier calibration.
func (o *serveOptions) calibration(ctx context.Context) (cal profile.Calibration, err error) {
	calibrate := func(ctx context.Context) (profile.Calibration, error) {
		return calibration(ctx, o.earlier, o.selection.Others())
	}
	if o.earlier != "" {
		cal, err = calibrate(ctx)
	} else {
		cal, err = serve.CalibrateWhenQuiet(ctx, calibrate)
	}
	if cal.Refused != "" {
		slog.Warn("calibration refused: costs are plain readings of the probes", "reason", cal.Refused)
	}
	return cal, err
}

// listening prints the server's address and creates the ready file.
func (o *serveOptions) listening(w io.Writer, addr net.Addr) error {
	fmt.Fprintln(w, o.config.Invitation(addr))
	if o.readyFile == "" {
		return nil
	}
	if err := atomicfile.WriteString(o.readyFile, addr.String()+"\n"); err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}
