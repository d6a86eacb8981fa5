package fetch

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// all returns what Each brings: answers by source.
func all(t *testing.T, ctx context.Context, c Config, sources ...string) map[string]string {
	t.Helper()
	client, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var busy atomic.Int32
	client.Each(ctx, sources, func(source string, r io.Reader, err error) {
		if busy.Add(1) != 1 {
			t.Error("called twice at the same time")
		}
		defer busy.Add(-1)
		if err != nil {
			out[source] = "error: " + err.Error()
			return
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Error(err)
		}
		out[source] = string(data)
	})
	return out
}

// A node that is down, slow, or answers with something else stops no other, and is named.
func TestEach(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		case "/large":
			for range MaxBytes/1024 + 1 {
				_, _ = w.Write(make([]byte, 1024))
			}
		case "/elsewhere":
			http.Redirect(w, r, "/debug/pprof/lsm", http.StatusFound)
		case "/busy":
			http.Error(w, "too many requests", http.StatusTooManyRequests)
		default:
			fmt.Fprintf(w, "%s %s", r.URL.RequestURI(), r.Header.Get("Authorization"))
		}
	}))
	defer s.Close()
	defer close(stop)
	file := write(t, "node.pb.gz", []byte("a file"))
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	want := map[string]string{
		s.URL:                                "/debug/pprof/lsm?seconds=10 ",
		s.URL + "/":                          "/debug/pprof/lsm?seconds=10 ",
		s.URL + "?seconds=2&by=hook":         "/debug/pprof/lsm?by=hook&seconds=2 ",
		s.URL + "/debug/pprof/lsm?seconds=1": "/debug/pprof/lsm?seconds=1 ",
		s.URL + "/debug/pprof/lsm":           "/debug/pprof/lsm ",
		s.URL + "/slow":                      "error: no answer within 100ms",
		s.URL + "/large":                     "error: the profile has more than 8 MiB",
		s.URL + "/elsewhere":                 "error: the node redirects",
		s.URL + "/busy": "error: the node answers 429 Too Many Requests: too many " +
			"requests",
		down.URL:                               "connection refused",
		"ftp://node":                           "error: want http",
		"http://":                              "error: want http",
		s.URL + "/?seconds=99999":              "error: seconds=99999",
		file:                                   "a file",
		file + ".other":                        "no such file",
		filepath.Dir(file):                     "not a regular file",
		"http://user:secret@127.0.0.1:1/x%zz/": "error: not a URL",
	}
	var sources []string
	for source := range want {
		sources = append(sources, source)
	}
	got := all(t, t.Context(), Config{AtOnce: 3, Patience: 100 * time.Millisecond}, sources...)
	for source, want := range want {
		// A busy machine may be slower than the patience of this test.
		if !strings.Contains(got[source], want) && !(strings.HasPrefix(source, s.URL) &&
			strings.HasPrefix(got[source], "error: no answer within")) {
			t.Errorf("%s: %q, want %q", source, got[source], want)
		}
		if strings.Contains(got[source], "secret") {
			t.Errorf("%s: the password is in %q", source, got[source])
		}
	}
}

func TestEachEndsWithItsContext(t *testing.T) {
	started := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
	}))
	defer s.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-started
		cancel(errors.New("interrupted"))
	}()
	if got := all(t, ctx, Config{}, s.URL+"/x")[s.URL+"/x"]; got != "error: interrupted" {
		t.Errorf("%q", got)
	}
}

// Nodes that begin an answer and never end it take all turns, but not for long.
func TestSlowBodiesStarveNobody(t *testing.T) {
	const slow = 2 * bodiesAtOnce
	var begun sync.WaitGroup
	begun.Add(slow)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/honest" {
			begun.Wait()
			fmt.Fprint(w, "profile")
			return
		}
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		begun.Done()
		<-r.Context().Done()
	}))
	defer s.Close()
	client, err := New(Config{Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	client.bodyTime = 50 * time.Millisecond
	sources := []string{s.URL + "/honest"}
	for i := range slow {
		sources = append(sources, fmt.Sprintf("%s/slow/%d?seconds=300", s.URL, i))
	}
	client.Each(t.Context(), sources, func(source string, r io.Reader, err error) {
		if strings.HasSuffix(source, "/honest") {
			if err != nil {
				t.Errorf("%s: %v", source, err)
			}
		} else if err == nil || err.Error() != "no complete profile within 50ms" {
			t.Errorf("%s: %v", source, err)
		}
	})
}

// What a node says reaches a terminal as text.
func TestWordsOfANodeAreCleaned(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "\x1b]0;owned\a\x1b[2J\r\xff"+strings.Repeat("x", 1000), http.StatusTeapot)
	}))
	defer s.Close()
	got := all(t, t.Context(), Config{}, s.URL)[s.URL]
	if !strings.Contains(got, "418 I'm a teapot: ?]0;owned??[2J??xxx") || len(got) > 300 {
		t.Errorf("%q", got)
	}
}

func TestCredentials(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s, %d certificates", r.Header.Get("Authorization"), len(r.TLS.PeerCertificates))
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	s.StartTLS()
	defer s.Close()
	ca := write(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	token := write(t, "token", []byte("s3cret\n"))
	source := s.URL + "/x"
	if got := all(t, t.Context(), Config{CAFile: ca, TokenFile: token},
		source)[source]; got != "Bearer s3cret, 0 certificates" {
		t.Errorf("%q", got)
	}
	if got := all(t, t.Context(), Config{}, source)[source]; !strings.Contains(got, "certificate") {
		t.Errorf("an authority that nobody trusts: %q", got)
	}
	for name, c := range map[string]Config{
		"no file":        {TokenFile: token + "x"},
		"no token":       {TokenFile: write(t, "empty", nil)},
		"no authority":   {CAFile: token},
		"no CA file":     {CAFile: token + "x"},
		"no key":         {CertFile: ca},
		"no certificate": {KeyFile: ca},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNames(t *testing.T) {
	var got []string
	for _, source := range []string{"http://u:p@n1:6061/x", "dir/http://x", "lsmprof.pb.gz", "https://n2"} {
		got = append(got, fmt.Sprint(IsURL(source), Name(source), " ", Address(source)))
	}
	want := []string{
		"truehttp://u:xxxxx@n1:6061/x n1:6061", "falsedir/http://x ", "falselsmprof.pb.gz ",
		"truehttps://n2 n2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
