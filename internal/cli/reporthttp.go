package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/lsmprof/lsmprof/internal/rundir"
	"github.com/lsmprof/lsmprof/internal/text"
	"github.com/lsmprof/lsmprof/report"
)

// loopback refuses addresses that others can reach: pages of pprof are not made for that.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%w; want HOST:PORT, such as localhost:8080", err)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return errors.New("not a loopback address; use localhost:PORT, and a tunnel from elsewhere")
}

// serveReport serves the page, and pprof's web UI for each scenario, until the context ends.
func serveReport(ctx context.Context, std streams, address string, r *report.Report, run *rundir.Run) error {
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		return err
	}
	mux, links, err := pprofPages(r, run)
	if err != nil {
		return err
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(bytes.Replace(page.Bytes(), []byte("</nav>"), append(links, "</nav>"...), 1))
	})
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--http: %w", err)
	}
	fmt.Fprintf(std.err, "serving http://%s/ until Ctrl-C\n", ln.Addr())
	s := &http.Server{Handler: onlyFor(ln.Addr().String(), mux), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// onlyFor answers requests that name a loopback address: pages of other sites cannot have theirs resolved to it.
func onlyFor(address string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(address)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if _, p, _ := net.SplitHostPort(req.Host); loopback(req.Host) != nil || p != port {
			http.Error(w, "not a loopback address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// pprofPages mounts pprof's web UI of each scenario, and makes the links to them.
func pprofPages(r *report.Report, run *rundir.Run) (*http.ServeMux, []byte, error) {
	mux, links := http.NewServeMux(), []byte{}
	for i, s := range r.Scenarios {
		p := report.ScenarioProfile(run, s.Name)
		if p == nil {
			continue
		}
		handlers, err := report.Viewer(p, nil, "")
		if err != nil {
			return nil, nil, err
		}
		prefix := fmt.Sprintf("/pprof/%d", i)
		mux.HandleFunc(prefix+"/", func(w http.ResponseWriter, req *http.Request) {
			h := handlers[strings.TrimPrefix(req.URL.Path, prefix)]
			if h == nil {
				http.NotFound(w, req)
				return
			}
			h.ServeHTTP(w, req)
		})
		link := url.URL{Path: prefix + "/flamegraph"}
		links = append(links, fmt.Sprintf(`<a href="%s">pprof: %s</a>`, link.String(), template.HTMLEscapeString(text.Printable(s.Name)))...)
	}
	return mux, links, nil
}
