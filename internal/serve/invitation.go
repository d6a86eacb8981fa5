package serve

import (
	"fmt"
	"net"
)

// Invitation returns "serving URL" for the address that a server listens on, and a command to try.
func (c *Config) Invitation(addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if c.CertFile != "" {
		scheme = "https"
	}
	url := scheme + "://" + net.JoinHostPort(host, port)
	if c.TokenFile != "" || c.ClientCAFile != "" { // go tool pprof sends no credentials
		return fmt.Sprintf("serving %s (for commands with credentials see %s/)", url, url)
	}
	return fmt.Sprintf("serving %s (try: go tool pprof -http=: '%s/debug/pprof/lsm?seconds=30')", url, url)
}
