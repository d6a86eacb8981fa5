package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	pprof "github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"

	"github.com/lsmprof/lsmprof/internal/text"
)

// Exporter sends profiles, and keeps those that could not be sent yet. Its methods are safe for concurrent use.
type Exporter struct {
	config Config
	url    string
	shown  string // url without its password, for messages
	client *http.Client
	log    *slog.Logger

	mu    sync.Mutex
	queue []request // oldest first
	next  uint64    // number of the next request
	wake  chan struct{}
	stats Stats
}

// request is an encoded request.
type request struct {
	number uint64
	body   []byte // gzip
	since  time.Time
}

// Stats counts profiles.
type Stats struct {
	Sent    uint64
	Dropped uint64 // because the queue was full
	Refused uint64 // the receiver said that no attempt would help
	Retries uint64 // attempts after the first
	Waiting int    // in the queue
	Bytes   int    // in the queue
}

// New returns an exporter. It reads the certificates, and checks the headers.
func New(c Config) (*Exporter, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Timeout == 0 {
		c.Timeout = timeout
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = queueBytes
	}
	if c.firstPause == 0 {
		c.firstPause, c.longestPause = time.Second, time.Minute
	}
	endpoint, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	if _, err := headers(c.HeadersFile); err != nil {
		return nil, err
	}
	return &Exporter{
		config: c, url: endpoint, shown: redacted(endpoint), client: client, log: c.Logger,
		wake: make(chan struct{}, 1),
	}, nil
}

// redacted returns a URL without its password.
func redacted(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return u.Redacted()
}

// encode returns a profile as a compressed request.
func (e *Exporter) encode(p *pprof.Profile) ([]byte, error) {
	plain, err := pprofileotlp.NewExportRequestFromProfiles(Convert(p, e.config.Attributes)).MarshalProto()
	if err != nil {
		return nil, fmt.Errorf("encode the profile: %w", err)
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Add puts a profile into the queue. The oldest ones leave it if it gets too long.
func (e *Exporter) Add(p *pprof.Profile) error {
	body, err := e.encode(p)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = append(e.queue, request{e.next, bytes.Clone(body), time.Now()})
	e.next++
	e.stats.Bytes += len(body)
	for e.stats.Bytes > e.config.QueueBytes {
		if e.stats.Dropped == 0 {
			e.log.Warn("the queue of OTLP is full: the oldest profiles are dropped", "waiting",
				len(e.queue),
				"since", e.queue[0].since)
		}
		e.stats.Dropped++
		e.stats.Bytes -= len(e.queue[0].body)
		e.queue[0].body = nil
		e.queue = e.queue[1:]
	}
	select {
	case e.wake <- struct{}{}:
	default:
	}
	return nil
}

// Stats returns what happened to the profiles so far.
func (e *Exporter) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats
	s.Waiting = len(e.queue)
	return s
}

// Run sends what is in the queue, oldest first, until ctx is done. It tries again with growing pauses.
func (e *Exporter) Run(ctx context.Context) {
	pause := e.config.firstPause
	for ctx.Err() == nil {
		r, ok := e.oldest()
		if !ok {
			select {
			case <-ctx.Done():
			case <-e.wake:
			}
			continue
		}
		err := e.send(ctx, r.body)
		var later *retryError
		if !errors.As(err, &later) {
			e.settle(r, err)
			pause = e.config.firstPause
			continue
		}
		if ctx.Err() != nil {
			return
		}
		wait := max(later.after, pause/2+rand.N(pause/2+1))
		e.log.Warn("OTLP: will try again", "in", wait.Round(time.Millisecond), "reason", err)
		e.mu.Lock()
		e.stats.Retries++
		e.mu.Unlock()
		pause = min(2*pause, e.config.longestPause)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// Flush sends what is in the queue until ctx is done, and returns why something is left.
func (e *Exporter) Flush(ctx context.Context) error {
	for {
		r, ok := e.oldest()
		if !ok {
			return nil
		}
		err := e.send(ctx, r.body)
		var later *retryError
		if !errors.As(err, &later) {
			e.settle(r, err)
			if err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s not sent: %w", text.Plural(e.Stats().Waiting, "profile"), err)
		case <-time.After(max(later.after, e.config.firstPause)):
		}
	}
}

func (e *Exporter) oldest() (request, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) == 0 {
		return request{}, false
	}
	return e.queue[0], true
}

// settle removes a request from the queue after it was sent (err is nil) or refused for good, and counts which.
func (e *Exporter) settle(r request, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil {
		e.stats.Sent++
	} else {
		e.stats.Refused++
		e.log.Error("OTLP: the receiver refuses a profile", "reason", err)
	}
	if len(e.queue) == 0 || e.queue[0].number != r.number {
		e.stats.Dropped-- // it left the queue while it was on its way
		return
	}
	e.stats.Bytes -= len(r.body)
	e.queue[0].body = nil
	e.queue = e.queue[1:]
}

// retryError is an error that another attempt may not have.
type retryError struct {
	err   error
	after time.Duration // what the receiver asked for
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// longestAnswer is how many characters of a receiver's words are repeated.
const longestAnswer = 200

// send sends one request. Which answers are worth another attempt is what the protocol says: 429, 502, 503, 504.
func (e *Exporter) send(ctx context.Context, body []byte) error {
	head, err := headers(e.config.HeadersFile)
	if err != nil {
		return &retryError{err: err} // it may be in the middle of being replaced
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = head
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("User-Agent", "lsmprof")
	req.Header.Set(pprofileotlp.DevelopmentVersionHeader, pprofileotlp.DevelopmentVersion)
	resp, err := e.client.Do(req)
	if err != nil {
		return &retryError{err: err}
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	status := text.Clean(resp.Status, longestAnswer, "")
	switch resp.StatusCode {
	case http.StatusOK:
		partial := pprofileotlp.NewExportResponse()
		if err := partial.UnmarshalProto(answer); err == nil &&
			partial.PartialSuccess().RejectedProfiles() > 0 {
			return fmt.Errorf("%s: the receiver rejects %s: %s", e.shown,
				text.Plural(partial.PartialSuccess().RejectedProfiles(), "profile"),
				text.Clean(partial.PartialSuccess().ErrorMessage(), longestAnswer, ""))
		}
		return nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		after := min(time.Duration(max(0, seconds))*time.Second, 10*time.Minute)
		return &retryError{fmt.Errorf("%s: %s", e.shown, status), after}
	}
	return fmt.Errorf("%s: %s: %s", e.shown, status, text.Clean(string(answer), longestAnswer, ""))
}
