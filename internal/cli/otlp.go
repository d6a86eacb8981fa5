package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/cmdline"
	"github.com/lsmprof/lsmprof/internal/otlp"
	"github.com/lsmprof/lsmprof/internal/projection"
	"github.com/lsmprof/lsmprof/profile"
)

// otlpFlags say where profiles are sent.
type otlpFlags struct{ config otlp.Config }

func (o *otlpFlags) flags(f *cmdline.Flags) {
	c := &o.config
	f.StringVar(&c.Endpoint, "otlp", "", "Send profiles to this `URL` with OTLP over HTTP, such as "+
		"http://localhost:4318 of an OpenTelemetry Collector. Experimental, like profiles in OTLP.")
	f.Var(cmdline.File(&c.HeadersFile), "otlp-headers",
		"Send the lines of this file, such as 'Name: value', as headers.")
	f.Var(cmdline.File(&c.CAFile), "otlp-ca", "Trust the authorities in this PEM file for --otlp.")
	f.Var(cmdline.File(&c.CertFile), "otlp-cert", "Show the certificate in this PEM file to the receiver.")
	f.Var(cmdline.File(&c.KeyFile), "otlp-key", "Take the key of --otlp-cert from this PEM file.")
	f.Rare("otlp-headers", "otlp-ca", "otlp-cert", "otlp-key")
}

// exporter returns the exporter that the flags ask for; nil: none.
func (o *otlpFlags) exporter() (*otlp.Exporter, error) {
	c := o.config
	if c.Endpoint == "" {
		for name, value := range map[string]string{
			"otlp-headers": c.HeadersFile, "otlp-ca": c.CAFile, "otlp-cert": c.CertFile,
			"otlp-key": c.KeyFile,
		} {
			if value != "" {
				return nil, fmt.Errorf("--%s without --otlp", name)
			}
		}
		return nil, nil
	}
	c.Logger, c.Attributes = slog.Default(), map[string]string{}
	if host, err := os.Hostname(); err == nil {
		c.Attributes["host.name"] = host
	}
	if node := os.Getenv("NODE_NAME"); node != "" {
		c.Attributes["k8s.node.name"] = node
	}
	e, err := otlp.New(c)
	if err != nil {
		return nil, fmt.Errorf("--otlp: %w", err)
	}
	if c.HeadersFile != "" && strings.HasPrefix(c.Endpoint, "http:") {
		slog.Warn("--otlp without TLS: the headers cross the network in the clear", "url", c.Endpoint)
	}
	return e, nil
}

// sendTimeout is how long `record` tries to send its profile.
const sendTimeout = 30 * time.Second

// send sends what record measured.
func (o *otlpFlags) send(ctx context.Context, e *otlp.Exporter, costs *profile.Costs) error {
	p, err := projection.ForStore("otel", costs)
	if err != nil {
		return err
	}
	if err := e.Add(p); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := e.Flush(ctx); err != nil {
		return fmt.Errorf("--otlp: %w", err)
	}
	return nil
}
