package serve

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/otlp"
	"github.com/lsmprof/lsmprof/profile"
)

// Config says what to serve, where and to whom.
type Config struct {
	Listen   string // host:port
	Insecure bool   // serve every client that can connect, also on addresses that are not loopback

	CertFile, KeyFile string // of the server, PEM; "": no TLS
	ClientCAFile      string // PEM: authorities that sign the certificates clients must show; "": none
	TokenFile         string // clients must show the bearer token in it; "": none

	Always       bool          // keep probes attached
	Linger       time.Duration // keep probes attached for this long after a scrape
	MaxRequests  int           // answered at once
	MaxDuration  time.Duration // of one profile
	MaxSeries    int           // in each table of metrics
	PollInterval time.Duration

	// Start attaches probes. It returns an ErrNothing if there is nothing to probe.
	Start func(context.Context) (Tracer, error)
	// InForce reads what is in force now; nil: it cannot be read. What it could read counts despite an error.
	InForce func() (InForce, error)
	// Exporter gets a profile every ExportInterval; nil: none is exported, and probes are attached on demand only.
	Exporter       *otlp.Exporter
	ExportInterval time.Duration
	// Origin says where the numbers come from: a snapshot without programs and rows.
	Origin profile.Snapshot
	// Logger gets messages for the operator of the server; nil discards them.
	Logger *slog.Logger

	now func() time.Time // nil: time.Now
}

// ConfigError says which setting of a Config is wrong.
type ConfigError struct {
	Setting string // name of the field
	Value   string // "" where the error says enough
	Err     error
}

// Error names the setting and says what is wrong with it.
func (e *ConfigError) Error() string {
	return strings.TrimSpace(e.Setting+" "+e.Value) + ": " + e.Err.Error()
}

// Unwrap returns what is wrong.
func (e *ConfigError) Unwrap() error { return e.Err }

// ErrExposed is wrapped by the error of a server that would show the names of all workloads to every client.
var ErrExposed = errors.New(
	"not a loopback address, and anyone who can reach it could read the names of all workloads")

// Validate returns a *ConfigError if settings contradict each other. It does not look into files.
func (c Config) Validate() error {
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return &ConfigError{
			"CertFile", "",
			errors.New("a certificate needs its key, and a key its certificate"),
		}
	case c.ClientCAFile != "" && c.CertFile == "":
		return &ConfigError{
			"ClientCAFile", "",
			errors.New("client certificates need TLS, which needs a certificate of the server"),
		}
	}
	local, err := loopback(c.Listen)
	if err != nil {
		return &ConfigError{"Listen", c.Listen, err}
	}
	if !local && !c.Insecure && c.TokenFile == "" && c.ClientCAFile == "" {
		return &ConfigError{"Listen", c.Listen, ErrExposed}
	}
	return nil
}
