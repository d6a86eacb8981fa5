// Package localhttp serves pages only to the browser of the user who started lsmprof. Every process of the machine can
// reach a loopback address. So a request gets an answer only if its path contains a secret, and if no page of another
// site can have made it.
package localhttp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Check returns an error if address is not HOST:PORT, or if other machines can reach it.
func Check(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w; want HOST:PORT, such as localhost:8080", err)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return errors.New("not a loopback address; use localhost:PORT, and a tunnel from other machines")
}

// Serve serves pages until ctx is done. It calls listening with their URL, which contains the secret.
func Serve(ctx context.Context, address string, pages http.Handler, listening func(url string)) error {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	token := "/" + rand.Text()
	listening(fmt.Sprintf("http://%s%s/", ln.Addr(), token))
	s := &http.Server{
		Handler:           sameSiteOnly(ln.Addr().String(), http.StripPrefix(token, pages)),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 1 << 16,
	}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// sameSiteOnly answers requests that name a loopback address and this port as their host, so that another site cannot
// have its own name resolved to it, and that do not come from a page of another site. The URL holds a secret: it must
// not get into a Referer.
func sameSiteOnly(address string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(address)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, asked, _ := net.SplitHostPort(req.Host)
		origin := req.Header.Get("Origin")
		switch {
		case Check(req.Host) != nil || asked != port:
			http.Error(w, "the host is not this loopback address", http.StatusForbidden)
			return
		case origin != "" && origin != "http://"+req.Host, req.Header.Get("Sec-Fetch-Site") == "cross-site":
			http.Error(w, "the request comes from another site", http.StatusForbidden)
			return
		}
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Frame-Options", "DENY")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, req)
	})
}
