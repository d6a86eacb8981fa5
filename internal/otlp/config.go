package otlp

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/tlsfiles"
)

// Config says where profiles go.
type Config struct {
	// Endpoint is a URL such as http://collector:4318. Without a path it is that of the protocol,
	// /v1development/profiles.
	Endpoint string
	// HeadersFile has lines `Name: value`, which every request carries; "": none. It is read for each request, so
	// that a token can be renewed.
	HeadersFile string
	// CAFile has the authorities (PEM) that sign the receiver's certificate; "": those of the system.
	CAFile            string
	CertFile, KeyFile string // shown to the receiver, PEM; "": none
	// QueueBytes limits what waits for a receiver that is down; 0: 64 MiB. The oldest profiles make room.
	QueueBytes int
	// Timeout of one request; 0: 10 s.
	Timeout time.Duration
	// Attributes of every resource, such as host.name.
	Attributes map[string]string
	// Logger gets messages for the operator; nil discards them.
	Logger *slog.Logger

	firstPause, longestPause time.Duration // between attempts; 0: 1 s, 1 min
}

const (
	profilesPath = "/v1development/profiles"
	// queueBytes holds an hour of profiles of a busy node: every 15 s some 100 kB, compressed.
	queueBytes = 64 << 20
	timeout    = 10 * time.Second
)

// endpoint returns the URL that takes profiles.
func (c Config) endpoint() (string, error) {
	u, err := url.Parse(c.Endpoint)
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err // without the URL, which may have a password
	}
	if err != nil {
		return "", fmt.Errorf("endpoint: %w; it must be a URL such as http://collector:4318", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("endpoint %q: must be a URL such as http://collector:4318", u.Redacted())
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = profilesPath
	}
	return u.String(), nil
}

// client returns a client with the certificates.
func (c Config) client() (*http.Client, error) {
	config, err := tlsfiles.Client(c.CAFile, c.CertFile, c.KeyFile)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout:   c.Timeout,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, MaxIdleConns: 1},
		// A redirect would carry the headers elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// maxHeaders bounds the file with the headers.
const maxHeaders = 64 << 10

// headers reads the lines `Name: value` of a file. Empty lines and lines with # are skipped.
func headers(file string) (http.Header, error) {
	h := http.Header{}
	if file == "" {
		return h, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(text) > maxHeaders {
		return nil, fmt.Errorf("%s: longer than %d bytes", file, maxHeaders)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !found || name == "" || strings.ContainsAny(name, " \t\"") {
			// without the line: it may be a secret
			return nil, fmt.Errorf("%s:%d: must be `Name: value`", file, n)
		}
		h.Add(name, strings.TrimSpace(value))
	}
	return h, nil
}
