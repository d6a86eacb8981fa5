package report

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// Handler returns a handler for "/", which serves the page of WriteHTML with links to pprof's web UI on the profile of
// each scenario. All links are relative, so that the handler may be mounted below another path with http.StripPrefix.
//
// Of pprof's pages it serves the flame graph, the top list and the callers of a function. It serves none that reads
// files which a profile names, that runs Graphviz or that writes settings.
func (r *Report) Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	var links []link
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
			prefix := fmt.Sprintf("/pprof/%d/", i)
			for name, h := range pages {
				mux.Handle("GET "+prefix+name, h)
			}
			links = append(links, link{strings.TrimPrefix(prefix, "/") + "flamegraph", s.Name})
		}
	}
	var page bytes.Buffer
	if err := r.writeHTML(&page, links); err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page.Bytes())
	})
	return mux, nil
}
