package serve

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"sync"
)

// connLimits bounds the connections of all clients together, and those of one client.
type connLimits struct{ all, client int }

// limitsFor returns limits that exceed the number of requests that can measure at once, whose connections are never
// cut.
func limitsFor(maxRequests int) connLimits {
	client := max(64, maxRequests+16)
	return connLimits{all: max(256, 2*client), client: client}
}

// clientConns is a listener that never waits for a free connection: at the limit of a client, or of all clients, it
// cuts the connection that has been idle for longest. So idle connections, requests that never end and answers that
// nobody reads cannot keep other clients out, nor the kubelet's health checks.
type clientConns struct {
	net.Listener
	limits connLimits

	mu   sync.Mutex
	open []*clientConn // the one that has been idle for longest comes first
	by   map[netip.Prefix]int
}

// clientConn is one connection.
type clientConn struct {
	net.Conn
	conns  *clientConns
	client netip.Prefix

	busy bool // a request holds a slot: the connection is not cut
	gone bool // cut or closed
}

func newClientConns(l net.Listener, limits connLimits) *clientConns {
	return &clientConns{Listener: l, limits: limits, by: map[netip.Prefix]int{}}
}

// Accept implements net.Listener.
func (c *clientConns) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		conn := &clientConn{Conn: accepted, conns: c, client: clientOf(accepted.RemoteAddr())}
		cut, ok := c.admit(conn)
		if cut != nil {
			_ = cut.Conn.Close() // the server notices, and closes it as well
		}
		if ok {
			return conn, nil
		}
		_ = accepted.Close()
	}
}

// admit adds a connection, and returns the one to cut for it, if any. It refuses a connection at the limit if every
// other one has a request in progress, which limitsFor rules out.
func (c *clientConns) admit(conn *clientConn) (cut *clientConn, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.by[conn.client] >= c.limits.client:
		cut = c.longestIdle(conn.client)
		ok = cut != nil
	case len(c.open) >= c.limits.all:
		cut = c.longestIdle(c.largest())
		ok = cut != nil
	default:
		ok = true
	}
	if cut != nil {
		c.remove(cut)
	}
	if ok {
		c.open = append(c.open, conn)
		c.by[conn.client]++
	}
	return cut, ok
}

func (c *clientConns) longestIdle(client netip.Prefix) *clientConn {
	i := slices.IndexFunc(c.open, func(conn *clientConn) bool { return conn.client == client && !conn.busy })
	if i < 0 {
		return nil
	}
	return c.open[i]
}

// largest returns the client with the most connections.
func (c *clientConns) largest() (client netip.Prefix) {
	most := 0
	for _, conn := range c.open {
		if n := c.by[conn.client]; n > most {
			client, most = conn.client, n
		}
	}
	return client
}

func (c *clientConns) remove(conn *clientConn) {
	if conn.gone {
		return
	}
	conn.gone = true
	c.open = slices.DeleteFunc(c.open, func(other *clientConn) bool { return other == conn })
	if c.by[conn.client]--; c.by[conn.client] <= 0 {
		delete(c.by, conn.client)
	}
}

// setBusy sets whether the connection has a request in progress. Its idle time starts again when the request ends.
func (c *clientConn) setBusy(busy bool) {
	if c == nil {
		return
	}
	c.conns.mu.Lock()
	defer c.conns.mu.Unlock()
	c.busy = busy
	if !busy && !c.gone {
		others := slices.DeleteFunc(c.conns.open, func(other *clientConn) bool { return other == c })
		c.conns.open = append(others, c)
	}
}

// Close implements net.Conn.
func (c *clientConn) Close() error {
	c.conns.mu.Lock()
	c.conns.remove(c)
	c.conns.mu.Unlock()
	return c.Conn.Close()
}

// clientOf returns what counts as one client: an IPv4 address, or the /64 that one host of IPv6 can have to itself.
func clientOf(addr net.Addr) netip.Prefix {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits) // cannot fail: the bits fit the address
	return prefix
}

type connKey struct{}

// connContext is the server's ConnContext: handlers find their connection with connOf.
func connContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request, or nil in tests without one.
func connOf(ctx context.Context) *clientConn {
	c, _ := ctx.Value(connKey{}).(*clientConn)
	return c
}
