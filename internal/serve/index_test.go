package serve

import (
	"bytes"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// logged is what a server has logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// testLog returns a logger that writes to the test's log.
func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func TestIndexSaysHowToAsk(t *testing.T) {
	token := write(t, filepath.Join(t.TempDir(), "token"), []byte("secret"))
	for _, test := range []struct {
		name, token, accept string
		want                []string
	}{
		{
			"text", "", "*/*",
			[]string{
				"No probes are attached", "go tool pprof -http=: 'http://127.0.0.1:",
				"curl -s 'http://127.0.0.1:",
			},
		},
		{
			"text with a token", token, "*/*",
			[]string{
				"need the server's token",
				`curl -s -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:`,
			},
		},
		{
			"a page", "", "text/html,*/*",
			[]string{"<!DOCTYPE html>", `<a href="/debug/pprof/lsm?seconds=30">`, `<a href="/metrics">`},
		},
		{
			"a page with a token", token, "text/html",
			[]string{"Browsers cannot send it", "Authorization: Bearer $TOKEN"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t, func(c *Config) { c.TokenFile = test.token })
			req, err := http.NewRequest("GET", s.url+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", test.accept)
			resp, err := s.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var body bytes.Buffer
			if _, err := body.ReadFrom(resp.Body); err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer("&#34;", `"`, "&#39;", "'").Replace(body.String())
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if strings.Contains(text, "secret") {
				t.Error("the page shows the token")
			}
		})
	}
}

func TestLogSaysWhoAttachedProbes(t *testing.T) {
	log := &logged{}
	s := startServer(t, func(c *Config) { c.Linger, c.Logger = 0, slog.New(slog.NewTextHandler(log, nil)) })
	s.get(t, "/debug/pprof/lsm?seconds=0.01")
	eventually(t, "the probes to go", func() bool { return strings.Contains(log.String(), "probes detached") })
	for _, want := range []string{
		`msg="probes attached" why="profile of 10ms" client=127.0.0.1:`, `msg="probes detached" after=`,
	} {
		if text := log.String(); !strings.Contains(text, want) {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
}
