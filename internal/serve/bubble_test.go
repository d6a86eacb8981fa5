package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lsmprof/lsmprof/profile"
)

// bubble is a server in virtual time: clients reach it through pipes, and every wait is over at once.
type bubble struct {
	*Server
	*source
	conns  chan net.Conn
	client *http.Client
	end    context.CancelFunc // what a signal does, as far as requests see it
}

// inBubble runs a test with a server in virtual time.
func inBubble(t *testing.T, change func(*Config), test func(*testing.T, *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		c := Config{
			Listen: "127.0.0.1:6061", Linger: 2 * time.Minute, MaxRequests: 4, MaxDuration: time.Hour,
			MaxSeries: 1000, PollInterval: time.Second, Start: src.start,
			Origin: profile.Snapshot{Start: time.Now(), Calibration: calibration},
		}
		if change != nil {
			change(&c)
		}
		server, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		b := &bubble{Server: server, source: src, conns: make(chan net.Conn)}
		b.client = &http.Client{Transport: &http.Transport{
			DialContext: func(context.Context, string, string) (net.Conn, error) { return b.dial(), nil },
		}}
		server.probes.ctx, b.end = context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(server.probes.run)
		s := server.httpServer()
		running.Go(func() { _ = s.Serve(newClientConns(b, limitsFor(c.MaxRequests))) })
		defer time.Sleep(time.Second) // connections linger for a while after they were refused
		defer running.Wait()
		defer s.Close()
		defer server.probes.close()
		defer b.end()
		defer b.client.CloseIdleConnections()
		test(t, b)
	})
}

// dial returns a connection to the server.
func (b *bubble) dial() net.Conn {
	theirs, ours := net.Pipe()
	b.conns <- theirs
	return ours
}

// Accept, Close and Addr make the pipes a net.Listener.
func (b *bubble) Accept() (net.Conn, error) {
	c, ok := <-b.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (b *bubble) Close() error   { close(b.conns); return nil }
func (b *bubble) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6061} }

func (b *bubble) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	resp, err := b.client.Get("http://localhost" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
