package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/spf13/pflag"

	"github.com/lsmprof/lsmprof/internal/atomicfile"
	"github.com/lsmprof/lsmprof/internal/serve"
	"github.com/lsmprof/lsmprof/profile"
	"github.com/lsmprof/lsmprof/tracer"
)

const serveShort = "Answers /debug/pprof/lsm?seconds=N and /metrics over HTTP, for pprof, continuous profilers and Prometheus"

// serveOptions are the flags of serve.
type serveOptions struct {
	session
	config serve.Config
}

func (o *serveOptions) flags(f *pflag.FlagSet) {
	c := &o.config
	f.StringVar(&c.Listen, "listen", "127.0.0.1:6061", "`host:port`; others than this machine's need a token or client certificates")
	f.StringVar(&c.TokenFile, "token-file", "", "clients must send the bearer token in this `file`")
	f.StringVar(&c.CertFile, "tls-cert", "", "serve TLS with the certificate (chain) in this PEM `file`")
	f.StringVar(&c.KeyFile, "tls-key", "", "and the key in this one")
	f.StringVar(&c.ClientCAFile, "client-ca", "", "clients must show a certificate that an authority in this PEM `file` signed")
	f.BoolVar(&c.Insecure, "insecure", false, "serve the network without either")
	f.BoolVar(&c.Always, "always", false, "keep probes attached; default: while somebody measures or scrapes")
	f.DurationVar(&c.Linger, "linger", 2*time.Minute, "a scrape keeps probes attached for so long; 0: scrapes attach none")
	f.IntVar(&c.MaxRequests, "max-requests", 16, "requests at once")
	f.DurationVar(&c.MaxDuration, "max-duration", 5*time.Minute, "of one profile")
	f.IntVar(&c.MaxSeries, "max-series", 2000, "bound on the sets of labels of a metric; what is beyond goes by [other]")
	o.session.flags(f)
	f.Lookup("ready-file").Usage = "create this file, with the address in it, when listening"
}

func serveCmd(ctx context.Context, std streams, args []string) error {
	o := serveOptions{session: newSession("serve", args)}
	f := newFlags(std, "serve", "", serveShort)
	o.flags(f)
	if err := parseNoArgs(f, args); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return usageError{fmt.Errorf("serve: %w", err)}
	}
	if err := o.prepare(ctx); err != nil {
		return classify(err)
	}
	server, err := serve.New(o.config)
	if err != nil {
		return err
	}
	return server.Run(ctx, o.listening)
}

func (o *serveOptions) validate() error {
	switch c := &o.config; {
	case c.Linger < 0:
		return fmt.Errorf("--linger %s: must not be negative", c.Linger)
	case c.MaxRequests < 1:
		return fmt.Errorf("--max-requests %d: must be at least 1", c.MaxRequests)
	case c.MaxDuration < time.Second:
		return fmt.Errorf("--max-duration %s: must be at least 1s", c.MaxDuration)
	case c.MaxSeries < 100:
		return fmt.Errorf("--max-series %d: must be at least 100", c.MaxSeries)
	}
	if err := o.config.Validate(); err != nil {
		return err
	}
	return o.session.validate()
}

// prepare calibrates: once, as totals over the life of the server want one bias.
func (o *serveOptions) prepare(ctx context.Context) error {
	opts, err := o.baseOptions()
	if err != nil {
		return err
	}
	if o.calibrate == "on" {
		if opts.Calibration, err = o.calibrateWhenQuiet(ctx, opts); err != nil {
			return err
		}
	}
	if err := o.containers.watch(ctx); err != nil {
		return err
	}
	c := &o.config
	c.PollInterval = tracer.PollInterval
	c.Origin = o.withProvenance(profile.Snapshot{Start: time.Now(), Calibration: opts.Calibration, Sample: opts.Sample})
	c.Rules = o.rules
	c.Start = func(ctx context.Context) (serve.Tracer, error) {
		if err := o.requirePrograms(); err != nil {
			if errors.As(err, new(nothingToMeasureError)) {
				return nil, fmt.Errorf("%w: %w", serve.ErrNothing, err)
			}
			return nil, err
		}
		t, err := tracer.Start(ctx, opts)
		if err != nil {
			return nil, err
		}
		return servedTracer{t, &o.session}, nil
	}
	return nil
}

// calibrateWhenQuiet tries a few times: a server lives long with what it measures here, and starts with the node, when others do.
func (o *serveOptions) calibrateWhenQuiet(ctx context.Context, opts tracer.Options) (cal profile.Calibration, err error) {
	const tries, pause = 5, 2 * time.Second
	for i := range tries {
		cal, err = calibration(o.earlier, opts.Scope, opts.Preemptible)
		if err != nil || cal.Refused == "" || o.earlier != "" || i == tries-1 {
			break
		}
		select {
		case <-ctx.Done():
			return cal, ctx.Err()
		case <-time.After(pause):
		}
	}
	if cal.Refused != "" {
		slog.Warn("calibration refused: costs are plain readings of the probes", "reason", cal.Refused)
	}
	return cal, err
}

func (o *serveOptions) listening(addr net.Addr) error {
	slog.Info("listening", "address", addr.String())
	if o.readyFile == "" {
		return nil
	}
	if err := atomicfile.WriteString(o.readyFile, addr.String()+"\n"); err != nil {
		return fmt.Errorf("--ready-file: %w", err)
	}
	return nil
}

// rules are those in force now, by type.
func (o *serveOptions) rules() ([]serve.Rules, error) {
	reading, err := o.unknown.registry().Read()
	if err != nil {
		return nil, err
	}
	var all []serve.Rules
	names := tracer.Workloads(&o.containers)
	for _, e := range reading.Enforcers {
		for ns, policy := range e.Policies {
			w, r := profile.Workload{Comm: "(every other)"}, policy.Rules
			if ns != tracer.AllWorkloads {
				w = names(ns)
			}
			for kind, n := range map[string]int{
				"file": r.File, "exec": r.Exec, "net": r.Net, "mount": r.Mount, "cap": r.Cap, "ptrace": r.Ptrace, "other": r.Other,
			} {
				all = append(all, serve.Rules{Enforcer: e.Name, Workload: w, Type: kind, Count: n})
			}
		}
	}
	return all, reading.Err()
}

// servedTracer is a tracer as the server wants it.
type servedTracer struct {
	*tracer.Tracer
	session *session
}

func (t servedTracer) Snapshot() (profile.Snapshot, error) { return t.session.snapshot(t.Tracer) }

func (t servedTracer) Room() []serve.Room {
	var all []serve.Room
	for _, r := range t.Tracer.Room() {
		all = append(all, serve.Room(r))
	}
	return all
}
