package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/internal/tlsfiles"
)

const (
	// MaxBytes is the size of the largest profile that is fetched: five times that of ten thousand rows.
	MaxBytes = 8 << 20
	// usualPath is asked for if a URL has no path, and usualSeconds is for how long the node measures then.
	usualPath    = "/debug/pprof/lsm"
	usualSeconds = "10"
)

// Config says how to ask nodes. The zero value asks without credentials.
type Config struct {
	TokenFile         string // holds the bearer token that `lsmprof serve --token-file` wants
	CAFile            string // authorities to trust; "": those of the system
	CertFile, KeyFile string // of the client
	AtOnce            int    // nodes that measure at the same time; 0: 256
	// Patience is how long a node may take beyond the seconds that it measures for; 0: 30 s.
	Patience time.Duration
}

// Client opens profiles. It may be used concurrently.
type Client struct {
	http     *http.Client
	token    string
	atOnce   int
	patience time.Duration
	bodies   chan struct{} // bounds the answers that are in memory
	bodyTime time.Duration // how long one may be read
}

const (
	// bodiesAtOnce is how many answers are read at the same time.
	bodiesAtOnce = 16
	// usualBodyTime keeps nodes that send their answers byte by byte from taking all turns.
	usualBodyTime = 10 * time.Second
)

// New returns a client. It reads the files of the configuration.
func New(c Config) (*Client, error) {
	config, err := tlsfiles.Client(c.CAFile, c.CertFile, c.KeyFile)
	if err != nil {
		return nil, err
	}
	out := &Client{
		atOnce: c.AtOnce, patience: c.Patience, bodies: make(chan struct{}, bodiesAtOnce),
		bodyTime: usualBodyTime,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, DisableKeepAlives: true,
				MaxResponseHeaderBytes: 64 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("the node redirects to another address, which is not followed")
			},
		},
	}
	if out.atOnce <= 0 {
		out.atOnce = 256
	}
	if out.patience <= 0 {
		out.patience = 30 * time.Second
	}
	if c.TokenFile != "" {
		token, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, err
		}
		if out.token = strings.TrimSpace(string(token)); out.token == "" {
			return nil, fmt.Errorf("%s is empty: want a token", c.TokenFile)
		}
	}
	return out, nil
}

// IsURL reports whether a source is an address instead of a file.
func IsURL(source string) bool {
	scheme, _, found := strings.Cut(source, "://")
	return found && !strings.Contains(scheme, "/")
}

// Name returns how a source is shown: an address without its password.
func Name(source string) string {
	if u, err := url.Parse(source); err == nil && IsURL(source) {
		return u.Redacted()
	}
	return source
}

// Address returns the host and port of a URL, and nothing for a file.
func Address(source string) string {
	if u, err := url.Parse(source); err == nil && IsURL(source) {
		return u.Host
	}
	return ""
}

// Open returns the profile of a source. It has at most MaxBytes if the source is an address.
func (c *Client) Open(ctx context.Context, source string) (io.ReadCloser, error) {
	if IsURL(source) {
		return c.get(ctx, source)
	}
	return OpenFile(source)
}

// OpenFile opens a profile that is a file.
func OpenFile(source string) (io.ReadCloser, error) {
	// O_NONBLOCK: opening a FIFO for reading waits for a writer.
	f, err := os.OpenFile(source, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is not a regular file", source), f.Close())
	}
	return f, nil
}

func (c *Client) get(ctx context.Context, source string) (io.ReadCloser, error) {
	u, seconds, err := parse(source)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	within := func(limit time.Duration, what string) *time.Timer {
		return time.AfterFunc(limit, func() { cancel(fmt.Errorf("no %s within %v", what, limit)) })
	}
	timer := within(seconds+c.patience, "answer")
	defer timer.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		var wrapped *url.Error // repeats the address
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, err
	}
	defer res.Body.Close()
	// The node has answered. Until its turn comes other nodes may take their time, which is not its fault.
	timer.Stop()
	select {
	case c.bodies <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-c.bodies }()
	defer within(c.bodyTime, "complete profile").Stop()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 200))
		return nil, fmt.Errorf("the node answers %s: %s", text.Clean(res.Status, 200, ""),
			text.Clean(strings.TrimSpace(string(said)), 200, ""))
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, MaxBytes+1))
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("the profile has more than %d MiB", MaxBytes>>20)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// parse returns what to ask for, and for how long the node measures.
func parse(source string) (*url.URL, time.Duration, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, 0, errors.New("not a URL") // the error of Parse may hold a password
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, 0, errors.New("want http://HOST:PORT or https://HOST:PORT of `lsmprof serve`")
	}
	q := u.Query()
	if strings.Trim(u.Path, "/") == "" {
		u.Path = usualPath
		if !q.Has("seconds") {
			q.Set("seconds", usualSeconds)
		}
	}
	u.RawQuery = q.Encode()
	seconds := 0
	if q.Has("seconds") {
		if seconds, err = strconv.Atoi(q.Get("seconds")); err != nil || seconds < 0 || seconds > 3600 {
			return nil, 0, fmt.Errorf("seconds=%s: want a number up to 3600", q.Get("seconds"))
		}
	}
	return u, time.Duration(seconds) * time.Second, nil
}

// Each opens all sources and calls do with each as it comes, never twice at the same time. Addresses are asked at the
// same time, so that nodes measure the same seconds. A source that fails stops no other.
func (c *Client) Each(ctx context.Context, sources []string, do func(source string, profile io.Reader, err error)) {
	var mu sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, c.atOnce)
	take := func(source string, r io.ReadCloser, err error) {
		mu.Lock()
		defer mu.Unlock()
		do(source, r, err)
		if r != nil {
			_ = r.Close()
		}
	}
	for _, source := range sources {
		if !IsURL(source) {
			continue
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r, err := c.Open(ctx, source)
			take(source, r, err)
		})
	}
	for _, source := range sources {
		if !IsURL(source) {
			r, err := c.Open(ctx, source)
			take(source, r, err)
		}
	}
	wait.Wait()
}
