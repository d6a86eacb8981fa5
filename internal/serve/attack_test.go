package serve

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// crowd opens connections to the server, one client after the other, and sends the same bytes on each.
func crowd(t *testing.T, s *served, connections int, request string) {
	t.Helper()
	for range connections {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, request); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Logf("the server cut a connection: %v", err)
		}
	}
}

// Every host that can reach the port can hold many connections, without credentials. They must not keep the kubelet,
// or a client with a token, from getting an answer.
func TestCrowdStarvesNobody(t *testing.T) {
	for name, request := range map[string]string{
		"nothing sent":           "",
		"half a header":          "GET /metrics HTTP/1.1\r\nHost: localhost\r\n",
		"no body":                "GET /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
		"no body, health":        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
		"no body, no such path":  "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n",
		"idle":                   "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"answers that none read": strings.Repeat("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", 50),
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, filepath.Join(t.TempDir(), "token"), []byte("secret"))
			s := startServer(t, func(c *Config) { c.TokenFile = file })
			crowd(t, s, 300, request)
			for range 10 {
				client := &http.Client{
					Timeout:   time.Minute, // idle connections are kept for two
					Transport: &http.Transport{DisableKeepAlives: true},
				}
				for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
					req, err := http.NewRequest("GET", s.url+path, nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set("Authorization", "Bearer secret")
					resp, err := client.Do(req)
					if err != nil {
						t.Fatalf("%s: %v", path, err)
					}
					resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						t.Errorf("%s: status %d, want 200", path, resp.StatusCode)
					}
				}
			}
		})
	}
}

// fakeConn is a connection that only knows whether it was cut.
type fakeConn struct {
	net.Conn
	from net.Addr
	cut  bool
}

func (c *fakeConn) RemoteAddr() net.Addr { return c.from }
func (c *fakeConn) Close() error         { c.cut = true; return nil }

// fakeListener accepts connections from the given addresses.
type fakeListener struct {
	net.Listener
	next []*fakeConn
}

func (l *fakeListener) Accept() (net.Conn, error) {
	if len(l.next) == 0 {
		return nil, net.ErrClosed
	}
	c := l.next[0]
	l.next = l.next[1:]
	return c, nil
}

// from returns a connection from an address.
func from(ip string) *fakeConn {
	return &fakeConn{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 4000))}
}

func TestConnectionsAreShared(t *testing.T) {
	l := &fakeListener{}
	conns := newClientConns(l, connLimits{all: 6, client: 3})
	accept := func(c *fakeConn) *clientConn {
		t.Helper()
		l.next = append(l.next, c)
		got, err := conns.Accept()
		if err != nil {
			return nil
		}
		return got.(*clientConn)
	}
	a := []*fakeConn{from("10.0.0.1"), from("10.0.0.1"), from("10.0.0.1"), from("10.0.0.1")}
	first := accept(a[0])
	first.setBusy(true)
	accept(a[1])
	accept(a[2])
	accept(a[3])
	if a[0].cut || !a[1].cut || a[2].cut || a[3].cut {
		t.Errorf("four connections, a share of three: cut %t %t %t %t; want the idle one that is oldest",
			a[0].cut, a[1].cut, a[2].cut, a[3].cut)
	}
	// Another client is accepted, and the largest one loses a connection for it.
	b := []*fakeConn{from("2001:db8::1"), from("2001:db8::2"), from("10.0.0.9")}
	for _, c := range b {
		accept(c)
	}
	c := from("10.0.0.7")
	accept(c)
	if !a[2].cut || b[0].cut || b[1].cut || b[2].cut || c.cut {
		t.Errorf("a new client at the limit: cut %t; want the oldest idle connection of the largest client",
			a[2].cut)
	}
	// Addresses of one IPv6 network are one client.
	for range 2 {
		accept(from("2001:db8::ffff"))
	}
	if !b[0].cut {
		t.Error("a host with many addresses of IPv6 has more than a share")
	}
	// Connections that are measuring are not cut, and the new one is refused instead.
	busy := newClientConns(l, connLimits{all: 1, client: 1})
	l.next = []*fakeConn{from("10.0.0.1"), from("10.0.0.1")}
	refused := l.next[1]
	got, err := busy.Accept()
	if err != nil {
		t.Fatal(err)
	}
	got.(*clientConn).setBusy(true)
	if _, err := busy.Accept(); err == nil || !refused.cut {
		t.Errorf("with all connections busy: %v, refused %t", err, refused.cut)
	}
	got.Close()
	got.Close() // twice does no harm
	if len(busy.open) != 0 || len(busy.by) != 0 {
		t.Errorf("%d connections of %d clients are left", len(busy.open), len(busy.by))
	}
}

func TestRotatedFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "token"), []byte("first-token"))
	load := func() (string, error) {
		text, err := os.ReadFile(file)
		if err == nil && len(text) == 0 {
			err = errors.New("empty")
		}
		return string(text), err
	}
	w, err := newWatched(testLog(t), load, file)
	if err != nil {
		t.Fatal(err)
	}
	want := func(step, token string) {
		t.Helper()
		if got := w.get(); got != token {
			t.Errorf("%s: %q, want %q", step, got, token)
		}
	}
	when := time.Now().Add(-time.Hour)
	same := func() {
		t.Helper()
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
	same()
	want("with an older time", "first-token")
	write(t, file, []byte("other-token"))
	same()
	want("written over, with its size and time", "other-token")
	other := write(t, filepath.Join(dir, "new"), []byte("third-token"))
	if err := os.Rename(other, file); err != nil {
		t.Fatal(err)
	}
	same()
	want("another file of its size and time in its place", "third-token")

	if os.Geteuid() == 0 {
		write(t, file, nil)
	} else if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	want("unreadable", "third-token")
	want("still unreadable", "third-token")
}

// Kubernetes swaps a link. Two files that were made in the same tick of the clock differ in nothing but their inode.
func TestSwappedLinksAreNoticed(t *testing.T) {
	dir := t.TempDir()
	first, second, link := filepath.Join(dir, "first"), filepath.Join(dir, "second"), filepath.Join(dir, "token")
	when := time.Now().Add(-time.Hour)
	alike := func() bool {
		write(t, first, []byte("first-token"))
		write(t, second, []byte("other-token"))
		if err := errors.Join(os.Chtimes(first, when, when), os.Chtimes(second, when, when)); err != nil {
			t.Fatal(err)
		}
		w := watched[string]{files: []string{first, second}}
		stamps := w.look()
		return stamps[0].change == stamps[1].change
	}
	for attempt := 0; !alike(); attempt++ {
		if attempt == 1000 {
			t.Skip("this file system gives every file another time")
		}
	}
	if err := os.Symlink(first, link); err != nil {
		t.Fatal(err)
	}
	w, err := newWatched(testLog(t), func() (string, error) {
		text, err := os.ReadFile(link)
		return string(text), err
	}, link)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(second, link+".new"), os.Rename(link+".new", link)); err != nil {
		t.Fatal(err)
	}
	if got := w.get(); got != "other-token" {
		t.Errorf("%q, want what the link leads to now", got)
	}
}

// A file that could not be read is tried again even if it looks the same.
func TestFailedFilesAreReadAgain(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "token"), []byte("token"))
	fails := false
	w, err := newWatched(testLog(t), func() (int, error) {
		if fails {
			return 0, errors.New("input/output error")
		}
		text, err := os.ReadFile(file)
		return len(text), err
	}, file)
	if err != nil {
		t.Fatal(err)
	}
	fails = true
	write(t, file, []byte("longer token"))
	if got := w.get(); got != 5 {
		t.Errorf("while it cannot be read: %d, want what it held before, 5", got)
	}
	fails = false
	if got := w.get(); got != 12 {
		t.Errorf("afterwards: %d, want 12", got)
	}
}

// Names may come from other products and from processes. None of them may break a scrape.
func TestNamesThatAreNotUTF8(t *testing.T) {
	hostile := []string{"a\xff", "a\xfe", "a?", "\xc3\x28", "x\ny\"\\", "\x00", ""}
	s := startServer(t, func(c *Config) {
		c.InForce = func() (now InForce, err error) {
			now.MapBytes, now.Slots = map[string]uint64{}, map[string]int{}
			for i, name := range hostile {
				w := profile.Workload{MntNS: uint32(i), Namespace: name, Pod: name, Container: name}
				now.Rules = append(now.Rules, Rules{Enforcer: name, Workload: w, Type: name, Count: i})
				p := profile.Program{Enforcer: name, Hook: name, Name: name}
				now.Programs = append(now.Programs, ProgramInfo{p, name, name, 1})
				now.MapBytes[name], now.Slots[name] = 1, 1
			}
			return now, nil
		}
	})
	for _, name := range hostile {
		l := s.ledger
		r := profile.Row{
			Syscall: name, Workload: profile.Workload{MntNS: 9, Comm: name, Namespace: name},
			Rules: 1, Preempted: 1,
		}
		err := l.add(profile.Snapshot{
			Start: time.Now(), Duration: time.Second, Rows: []profile.Row{r},
			Programs: []profile.Program{{Name: name, Hook: name, Enforcer: name, Preempted: 1}},
		}, []profile.CounterUsage{{Program: 0, Used: 1, Counters: 2}, {Program: 7}})
		if err != nil {
			t.Fatal(err)
		}
	}
	code, _, body := s.get(t, "/metrics")
	if code != 200 || !strings.Contains(body, `enforcer="a?"`) {
		t.Errorf("status %d, %.300s; want 200 and the enforcer a?", code, body)
	}
	var calls float64
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "lsmprof_calls_total{") {
			var n float64
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n); err != nil {
				t.Fatal(err)
			}
			calls += n
		}
	}
	if calls < float64(len(hostile)) {
		t.Errorf("%g calls are exported, want at least %d", calls, len(hostile))
	}
}
