package serve

import (
	"fmt"
	"net"
)

// listen opens the address.
func (s *Server) listen() (net.Listener, error) {
	if local, err := loopback(s.config.Listen); err == nil && !local && s.creds.server == nil {
		s.log.Warn("no TLS: profiles, and the token if there is one, cross the network unencrypted",
			"listen", s.config.Listen)
	}
	l, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return nil, err
	}
	return newClientConns(l, limitsFor(s.config.MaxRequests)), nil
}

// loopback reports whether only this machine can reach an address. A name must stand for loopback addresses only.
func loopback(address string) (bool, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false, err
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return false, fmt.Errorf("port %q is neither a number up to 65535 nor the name of a service", port)
	}
	if host == "" {
		return false, nil // every address
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback(), nil
	}
	ips, err := net.LookupIP(host)
	if err != nil {
		return false, err
	}
	for _, ip := range ips {
		if !ip.IsLoopback() {
			return false, nil
		}
	}
	return true, nil
}
