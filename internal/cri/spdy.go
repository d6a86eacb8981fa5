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
)

// streamConn is an HTTP connection that was upgraded to SPDY, which runtimes of all versions speak with the kubelet and
// with crictl.
type streamConn struct {
	spdy *spdystream.Connection
	net  net.Conn
}

// upgrade connects to the URL with which a runtime answered an exec. Such an address is valid once.
func upgrade(ctx context.Context, address string) (_ *streamConn, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the runtime's streaming address: %w", err)
	}
	if u.Scheme != "http" || u.Port() == "" {
		return nil, fmt.Errorf("the runtime streams at %q, and only http with a port is supported. "+
			"Switch its stream TLS off", cleanMessage(address))
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
	// The reader reads nothing ahead: the server is silent until a stream is opened.
	response, err := http.ReadResponse(bufio.NewReader(conn), request)
	if err != nil {
		return nil, fmt.Errorf("the runtime's streaming server: %w", err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		err := fmt.Errorf("the runtime's streaming server answers %q", cleanMessage(response.Status))
		return nil, errors.Join(err, response.Body.Close())
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	s, err := spdystream.NewConnection(conn, false)
	if err != nil {
		return nil, fmt.Errorf("the runtime's streaming server: %w", err)
	}
	go s.Serve(spdystream.NoOpStreamHandler)
	return &streamConn{s, conn}, nil
}

// open opens a stream by name.
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

// Close ends all streams. It cuts the connection: a farewell would wait for a write that the runtime does not read.
func (c *streamConn) Close() error { return c.net.Close() }
