package serve

import (
	"html/template"
	"net/http"
	"strings"
	texttemplate "text/template"
)

// indexPage is what `/` shows: to a browser as HTML, to curl as text. It needs no credentials, and says how to show
// them.
type indexPage struct {
	URL    string // of the server, as the client wrote it
	Token  bool   // the server requires one
	State  string
	Client bool // the server requires client certificates
}

// Curl returns the command that asks for a path.
func (p indexPage) Curl(path string) string {
	command := "curl -s"
	if p.Token {
		command += ` -H "Authorization: Bearer $TOKEN"`
	}
	if p.Client {
		command += " --cert client.pem --key client.key"
	}
	return command + " '" + p.URL + path + "'"
}

// Pprof returns the command that shows a profile of the next 30 s.
func (p indexPage) Pprof() string {
	const path = "/debug/pprof/lsm?seconds=30"
	if p.Token || p.Client { // go tool pprof sends no headers
		return p.Curl(path) + " >lsm.pb.gz && go tool pprof -http=: lsm.pb.gz"
	}
	return "go tool pprof -http=: '" + p.URL + path + "'"
}

var indexHTML = template.Must(template.New("index").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>lsmprof serve</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em }
pre { overflow-x: auto }
</style></head><body>
<h1>lsmprof serve</h1>
<p>{{.State}}</p>
<ul>
<li><a href="/debug/pprof/lsm?seconds=30">/debug/pprof/lsm?seconds=30</a>:
what BPF LSM programs cost in the next 30 s, as a pprof profile
<li><a href="/debug/pprof/lsm">/debug/pprof/lsm</a>: the same since the server started
<li><a href="/metrics">/metrics</a>: for Prometheus
<li><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>: for the kubelet
</ul>
{{if .Token}}<p>All but the last two need the server's token.
Browsers cannot send it; use the commands below.</p>{{end}}
{{if .Client}}<p>All but the last two need a client certificate.</p>{{end}}
<pre>{{.Pprof}}
{{.Curl "/metrics"}}</pre>
</body></html>
`))

var indexText = texttemplate.Must(texttemplate.New("index").Parse(`lsmprof serve

{{.State}}

/debug/pprof/lsm?seconds=30  what BPF LSM programs cost in the next 30 s, as a pprof profile
/debug/pprof/lsm             the same since the server started
/metrics                     for Prometheus
/healthz /readyz             for the kubelet
{{if .Token}}
All but the last two need the server's token.
{{end}}{{if .Client}}
All but the last two need a client certificate.
{{end}}
{{.Pprof}}
{{.Curl "/metrics"}}
`))

func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	page := indexPage{URL: "http://" + r.Host, Token: s.creds.token != nil, Client: s.creds.clients != nil}
	if r.TLS != nil {
		page.URL = "https://" + r.Host
	}
	switch st := s.probes.state(); {
	case st.attached:
		page.State = "Probes are attached."
	case st.trouble != nil:
		page.State = "No probes are attached: " + st.trouble.Error() + "."
	default:
		page.State = "No probes are attached: no client is measuring."
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_ = indexHTML.Execute(w, page) // fails only if the client is gone
		return
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	_ = indexText.Execute(w, page)
}
