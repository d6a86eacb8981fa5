package report

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Handler returns a handler for "/", which serves the page of WriteHTML with links to pprof's web UI on the profile of
// each scenario. All links are relative, so that the handler may be mounted below another path with http.StripPrefix.
//
// Of pprof's pages it serves the flame graph, the top list and the callers of a function. It serves none that reads
// files which a profile names, that runs Graphviz or that writes settings.
func (r *Report) Handler() (http.Handler, error) {
	site := site{mux: http.NewServeMux()}
	if r.run != nil {
		wanted := operations(r.run)
		for i, s := range r.Scenarios {
			p, _ := merged(r.run, s.Name, wanted)
			if p == nil {
				continue
			}
			pages, err := pprofPages(p, nil)
			if err != nil {
				return nil, err
			}
			site.add(fmt.Sprintf("pprof/%d/", i), s.Name, pages)
		}
	}
	return site.handler(r.writeHTML)
}

// site is a page with links to pprof's web UI on its profiles.
type site struct {
	mux   *http.ServeMux
	links []link
}

// add adds pprof's pages on a profile below a prefix such as pprof/0/.
func (s *site) add(prefix, name string, pages map[string]http.Handler) {
	for page, h := range pages {
		s.mux.Handle("GET /"+prefix+page, h)
	}
	s.links = append(s.links, link{prefix + "flamegraph", name})
}

// handler writes the page with its links, and returns what serves all pages.
func (s *site) handler(write func(io.Writer, []link) error) (http.Handler, error) {
	var page bytes.Buffer
	if err := write(&page, s.links); err != nil {
		return nil, err
	}
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page.Bytes())
	})
	return s.mux, nil
}
