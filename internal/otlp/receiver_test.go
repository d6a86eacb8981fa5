package otlp

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pprofile"

	"github.com/lsmprof/lsmprof/internal/otlp/otlptest"
)

// receiver answers with a status, and keeps what it takes.
type receiver struct {
	mu     sync.Mutex
	status int
	header map[string]string
	got    []pprofile.Profiles
	heads  []http.Header
	*httptest.Server
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{status: 200}
	r.Server = httptest.NewServer(http.HandlerFunc(r.answer))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := otlptest.Decode(req)
	if err != nil || req.URL.Path != profilesPath {
		w.WriteHeader(400)
		return
	}
	r.heads = append(r.heads, req.Header)
	for name, value := range r.header {
		w.Header().Set(name, value)
	}
	if r.status == 200 {
		r.got = append(r.got, p)
	}
	w.WriteHeader(r.status)
	if r.status != 200 {
		fmt.Fprint(w, "no such tenant\x1b[31m")
	}
}

func (r *receiver) set(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) taken() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

func running(t *testing.T, c Config) *Exporter {
	t.Helper()
	c.firstPause, c.longestPause = time.Millisecond, 4*time.Millisecond
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { e.Run(ctx) })
	t.Cleanup(func() { stop(); done.Wait() })
	return e
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 5 minutes for %s", what)
		}
	}
}
