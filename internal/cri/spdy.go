package cri

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/moby/spdystream"

	"github.com/lsmprof/lsmprof/internal/text"
)

// streamConn is an HTTP connection that was upgraded to SPDY: what kubelet and crictl speak with runtimes of all
// versions.
type streamConn struct{ spdy *spdystream.Connection }

// upgrade connects to the URL that a runtime has answered an exec with. It is a one-time address on this machine.
func upgrade(ctx context.Context, address string) (_ *streamConn, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the runtime's streaming address: %w", err)
	}
	if u.Scheme != "http" || u.Port() == "" {
		return nil, fmt.Errorf("the runtime streams at %q: only http with a port is supported; switch its stream TLS off",
			text.Clean(address, maxImage, ""))
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("the runtime's streaming server: %w", err)
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "SPDY/3.1")
	request.Header.Set("X-Stream-Protocol-Version", "v4.channel.k8s.io")
	if err := request.Write(conn); err != nil {
		return nil, fmt.Errorf("the runtime's streaming server: %w", err)
	}
	// Nothing is read ahead: the server is silent until it is given streams.
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		return nil, fmt.Errorf("the runtime's streaming server: %w", err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, errors.Join(fmt.Errorf("the runtime's streaming server answers %q", text.Clean(response.Status,
			maxImage, "")), response.Body.Close())
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	s, err := spdystream.NewConnection(conn, false)
	if err != nil {
		return nil, fmt.Errorf("the runtime's streaming server: %w", err)
	}
	go s.Serve(spdystream.NoOpStreamHandler)
	return &streamConn{s}, nil
}

// open opens one of the streams.
func (c *streamConn) open(name string) (*spdystream.Stream, error) {
	s, err := c.spdy.CreateStream(http.Header{"Streamtype": {name}}, nil, false)
	if err == nil {
		err = s.WaitTimeout(Deadline)
	}
	if err != nil {
		return nil, fmt.Errorf("open the %s stream: %w", name, err)
	}
	return s, nil
}

// Close ends all streams.
func (c *streamConn) Close() error { return c.spdy.Close() }
