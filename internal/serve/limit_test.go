package serve

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the limits on time do to clients that are too slow, and when.
func TestSlowClientsAreCut(t *testing.T) {
	const (
		metrics = "GET /metrics HTTP/1.0\r\n\r\n"
		profile = "GET /debug/pprof/lsm?seconds=90 HTTP/1.0\r\n\r\n"
	)
	for _, test := range []struct {
		name, request string
		unread        time.Duration // how long the client waits before it reads
		after         time.Duration // when the connection ends
		answer        string
	}{
		{"no request", "", 0, headerTimeout, ""},
		{"half a header", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n", 0, headerTimeout, ""},
		{
			"no body", "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
			0, bodyTimeout, "HTTP/1.1 413 ",
		},
		{"answer read late", metrics, 29 * time.Second, 29 * time.Second, "HTTP/1.0 200 "},
		{"answer not read", metrics, 31 * time.Second, 31 * time.Second, ""},
		{"answer not read, health", "GET /healthz HTTP/1.0\r\n\r\n", 31 * time.Second, 31 * time.Second, ""},
		// A profile takes longer than its answer may: the time for reading begins with the answer.
		{"long profile", profile, 0, 90 * time.Second, "HTTP/1.0 200 "},
		{"answer not read, profile", profile, 121 * time.Second, 121 * time.Second, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				began, conn := time.Now(), b.dial()
				defer conn.Close()
				go func() { _, _ = io.WriteString(conn, test.request) }()
				time.Sleep(test.unread)
				answer, _ := io.ReadAll(conn)
				if took := time.Since(began); took != test.after {
					t.Errorf("the connection ended after %v, want %v", took, test.after)
				}
				if test.answer == "" && len(answer) > 0 || !strings.HasPrefix(string(answer),
					test.answer) {
					t.Errorf("answer %.80q, want %q", answer, test.answer)
				}
			})
		})
	}
}

// The deadline for bodies holds on every path, also for clients without credentials.
func TestRequestWithoutItsBodyIsCut(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "token"), []byte("secret"))
	for _, path := range []string{"/metrics", "/debug/pprof/lsm", "/", "/healthz", "/readyz", "/nowhere"} {
		inBubble(t, func(c *Config) { c.TokenFile = file }, func(t *testing.T, b *bubble) {
			began, conn := time.Now(), b.dial()
			defer conn.Close()
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n", path)
			answer, err := io.ReadAll(conn) // until the server closes
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 413 ") ||
				time.Since(began).Truncate(time.Second) != bodyTimeout {
				t.Errorf("%s: answer %q after %v, %v; want 413 and the end of the connection", path,
					answer,
					time.Since(began), err)
			}
		})
	}
}

// The limits on size, to the byte.
func TestSizesOfRequests(t *testing.T) {
	head := func(n int) string {
		const begin, end = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", "\r\n\r\n"
		return begin + strings.Repeat("x", n-len(begin)-len(end)) + end
	}
	body := func(n int) string {
		return fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", n,
			strings.Repeat("x", n))
	}
	for _, test := range []struct {
		name, request string
		status        int
	}{
		{"a head that fits", head(maxHeaderBytes), 200},
		{"a head too long", head(maxHeaderBytes + 1), http.StatusRequestHeaderFieldsTooLarge},
		{"a body that fits", body(maxBodyBytes), 200},
		{"a body too long", body(maxBodyBytes + 1), http.StatusRequestEntityTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, b *bubble) {
				conn := b.dial()
				defer conn.Close()
				go func() { _, _ = io.WriteString(conn, test.request) }()
				status := make([]byte, len("HTTP/1.1 200 "))
				_, err := io.ReadFull(conn, status)
				if want := fmt.Sprintf("HTTP/1.1 %d ", test.status); string(status) != want {
					t.Errorf("answer %q, %v, want %q", status, err, want)
				}
			})
		})
	}
}

// The table of limits in docs/serve.md has the limits of this package.
func TestDocsHaveTheLimits(t *testing.T) {
	text, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	usual := limitsFor(16)
	least := 1 // number of requests that raise the limits on connections
	for limitsFor(least) == usual {
		least++
	}
	for _, want := range []string{
		fmt.Sprintf("| headers | %d KiB, within %v | 431, or cut if they are late |", maxHeaderBytes>>10,
			headerTimeout),
		fmt.Sprintf("| body | %d KiB, within %v | 413 |", maxBodyBytes>>10, bodyTimeout),
		fmt.Sprintf("| connections | %d per client (an IPv4 address, an IPv6 /64), %d in all; "+
			"more if `--max-requests` is above %d |", usual.client, usual.all, least-1),
		fmt.Sprintf("| reading the answer | %v | cut |", writeTimeout),
	} {
		want = strings.NewReplacer("5s", "5 s", "30s", "30 s").Replace(want)
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/serve.md lacks %q", want)
		}
	}
}
