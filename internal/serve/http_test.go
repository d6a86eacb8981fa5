package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"
)

func (s *served) get(t *testing.T, path string) (int, http.Header, string) {
	t.Helper()
	resp, err := s.client.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// calls parses a profile and adds up its first sample type.
func calls(t *testing.T, body string) int64 {
	t.Helper()
	p, err := pprof.ParseData([]byte(body))
	if err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	var n int64
	for _, s := range p.Sample {
		n += s.Value[0]
	}
	return n
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		name, method, path string
		change             func(*served)
		status             int
		contains           string
	}{
		{"a profile", "GET", "/debug/pprof/lsm?seconds=0.01", nil, 200, ""},
		{"a cumulative profile", "GET", "/debug/pprof/lsm", nil, 200, ""},
		{"seconds=0 is cumulative", "GET", "/debug/pprof/lsm?seconds=0", nil, 200, ""},
		{"no number", "GET", "/debug/pprof/lsm?seconds=x", nil, 400, "must be a number"},
		{"negative", "GET", "/debug/pprof/lsm?seconds=-1", nil, 400, "not negative"},
		{"not a number", "GET", "/debug/pprof/lsm?seconds=NaN", nil, 400, "must be a number"},
		{"too long", "GET", "/debug/pprof/lsm?seconds=61", nil, 400, "the longest profile"},
		{"for ever", "GET", "/debug/pprof/lsm?seconds=Inf", nil, 400, "the longest profile"},
		{"only GET", "POST", "/debug/pprof/lsm", nil, 405, ""},
		{"no enforcer", "GET", "/debug/pprof/lsm?seconds=0.01", failing(ErrNothing), 503, "nothing to measure"},
		{"no enforcer, cumulative", "GET", "/debug/pprof/lsm", failing(ErrNothing), 200, ""},
		{"cannot attach", "GET", "/debug/pprof/lsm?seconds=0.01", failing(errBroken), 500, "broken"},
		{"metrics", "GET", "/metrics", nil, 200, "lsmprof_calls_total{"},
		{
			"metrics without an enforcer", "GET", "/metrics", failing(ErrNothing), 200,
			"lsmprof_probes_attached 0",
		},
		{"index", "GET", "/", nil, 200, "/debug/pprof/lsm"},
		{"elsewhere", "GET", "/debug/pprof/", nil, 404, ""},
		{"healthy", "GET", "/healthz", nil, 200, "ok"},
		{"ready", "GET", "/readyz", nil, 200, "no client is measuring"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startServer(t, nil)
			if test.change != nil {
				test.change(s)
			}
			req, err := http.NewRequest(test.method, s.url+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || !strings.Contains(string(body), test.contains) {
				t.Errorf("%d %s; want %d with %q", resp.StatusCode, body, test.status, test.contains)
			}
			if strings.HasPrefix(test.path, "/debug/pprof/lsm") && test.method == "GET" {
				if test.status == 200 {
					calls(t, string(body))
				} else if resp.Header.Get("X-Go-Pprof") == "" {
					t.Error("go tool pprof would not show this error")
				}
			}
		})
	}
}

func failing(err error) func(*served) {
	return func(s *served) { s.set(func(src *source) { src.startErr = err }) }
}

func TestReadinessFollowsTheProbes(t *testing.T) {
	s := startServer(t, nil)
	for _, step := range []struct {
		err    error
		status int
		text   string
	}{{errBroken, 503, "broken"}, {ErrNothing, 200, "ok: nothing to measure"}, {nil, 200, "ok: measuring"}} {
		s.set(func(src *source) { src.startErr = step.err })
		s.get(t, "/metrics")
		if code, _, body := s.get(t, "/readyz"); code != step.status || !strings.Contains(body, step.text) {
			t.Errorf("after %v: %d %s", step.err, code, body)
		}
	}
}

// While requests in progress get their answers, no new ones should come.
func TestReadinessEndsWithTheServer(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		b.end()
		for path, want := range map[string]int{
			"/readyz": 503, "/healthz": 200,
			"/debug/pprof/lsm?seconds=1": 503,
		} {
			if code, body := b.get(t, path); code != want {
				t.Errorf("%s: %d %s, want %d", path, code, body, want)
			}
		}
	})
}

func TestHealthFailsIfPollsHang(t *testing.T) {
	var late atomic.Int64
	s := startServer(t, func(c *Config) {
		c.PollInterval = time.Hour
		c.now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
		c.Always = true
	})
	s.get(t, "/metrics")
	for _, step := range []struct {
		late   time.Duration
		status int
	}{{30 * time.Second, 200}, {2 * time.Minute, 503}} {
		late.Store(int64(step.late))
		if code, _, body := s.get(t, "/healthz"); code != step.status {
			t.Errorf("%v late: %d %s", step.late, code, body)
		}
	}
}

func TestManyRequestsShareOneSetOfProbes(t *testing.T) {
	s := startServer(t, nil)
	const clients = 4
	counts := make(chan int64, clients)
	for range clients {
		go func() {
			_, _, body := s.get(t, "/debug/pprof/lsm?seconds=0.3")
			counts <- calls(t, body)
		}()
	}
	eventually(t, "all to measure", func() bool { return s.probes.state().users == clients })
	if live, started := s.attached(); live != 1 || started != 1 {
		t.Errorf("%d sets of probes, %d ever; want 1", live, started)
	}
	for range clients {
		if n := <-counts; n < 2 {
			t.Errorf("a client got %d calls", n)
		}
	}
	eventually(t, "the probes to go", func() bool { live, _ := s.attached(); return live == 0 })
}

func TestClientThatGoesAwayFreesItsProbes(t *testing.T) {
	s := startServer(t, nil)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, "GET", s.url+"/debug/pprof/lsm?seconds=60", nil)
		_, err := s.client.Do(req)
		left <- err
	}()
	eventually(t, "the client to measure", func() bool { return s.probes.state().users == 1 })
	leave()
	if err := <-left; err == nil {
		t.Error("the client got an answer")
	}
	eventually(t, "the probes to go", func() bool { live, _ := s.attached(); return live == 0 })
}

func TestTooManyRequests(t *testing.T) {
	s := startServer(t, func(c *Config) { c.MaxRequests = 1 })
	first := make(chan int64, 1)
	go func() {
		_, _, body := s.get(t, "/debug/pprof/lsm?seconds=0.5")
		first <- calls(t, body)
	}()
	eventually(t, "the first to measure", func() bool { return s.probes.state().users == 1 })
	// The limit is for all paths together.
	for _, path := range []string{"/debug/pprof/lsm", "/metrics"} {
		if code, header, _ := s.get(t, path); code != http.StatusTooManyRequests ||
			header.Get("Retry-After") == "" {
			t.Errorf("%s: status %d", path, code)
		}
	}
	if code, _, _ := s.get(t, "/healthz"); code != 200 {
		t.Errorf("health: status %d", code)
	}
	if <-first == 0 {
		t.Error("the first client got nothing")
	}
}

// raw sends bytes and returns the status line of the answer.
func (s *served) raw(t *testing.T, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute))
	_, _ = io.WriteString(conn, request) // the server may stop reading
	answer := make([]byte, 512)
	n, _ := conn.Read(answer)
	status, _, _ := strings.Cut(string(answer[:n]), "\r\n")
	return status
}

func TestOversizeRequests(t *testing.T) {
	s := startServer(t, nil)
	long := strings.Repeat("x", 64<<10)
	for name, test := range map[string]struct{ request, want string }{
		"header": {"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + long + "\r\n\r\n", "431"},
		"body": {
			"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65536\r\n\r\n" + long,
			"413",
		},
		"chunked body": {
			"GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
				"10000\r\n" + long + "\r\n0\r\n\r\n",
			"413",
		},
		"small body": {"GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok", "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := s.raw(t, test.request); !strings.Contains(got, " "+test.want+" ") {
				t.Errorf("%q, want %s", got, test.want)
			}
		})
	}
}

// Clients that measure when the server ends get what was measured until then.
func TestDrain(t *testing.T) {
	s := startServer(t, nil)
	got := make(chan int64, 1)
	go func() {
		_, _, body := s.get(t, "/debug/pprof/lsm?seconds=60")
		got <- calls(t, body)
	}()
	eventually(t, "the client to measure", func() bool { return s.probes.state().users == 1 })
	s.stop()
	if n := <-got; n == 0 {
		t.Error("the client got no calls")
	}
}

func TestBrokenProbesAreAnError(t *testing.T) {
	s := startServer(t, nil)
	got := make(chan string, 1)
	go func() {
		_, _, body := s.get(t, "/debug/pprof/lsm?seconds=0.5")
		got <- body
	}()
	eventually(t, "the client to measure", func() bool { return s.probes.state().users == 1 })
	s.set(func(src *source) { src.pollErr = errBroken })
	eventually(t, "the probes to go", func() bool { live, _ := s.attached(); return live == 0 })
	s.set(func(src *source) { src.pollErr = nil })
	if body := <-got; !strings.Contains(body, "were lost while measuring") {
		t.Errorf("answer %q, want that the probes were lost", body)
	}
	if code, _, _ := s.get(t, "/debug/pprof/lsm?seconds=0.01"); code != 200 {
		t.Errorf("afterwards: status %d", code)
	}
}
