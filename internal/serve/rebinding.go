package serve

import (
	"net"
	"net/http"
	"strings"
)

// ownHost lets through only requests to a name of this machine. A server that listens on loopback and asks for no
// credentials trusts whoever can connect, and the browser of a user of this machine can. A web page could let its own
// name point to 127.0.0.1 and read everything; but its requests then carry that name.
func ownHost(listen string, next http.Handler) http.Handler {
	listenHost, _, _ := net.SplitHostPort(listen)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := hostOf(r.Host); host != "" && !strings.EqualFold(host, listenHost) && !loopbackName(host) {
			http.Error(w, "the request is for another host; ask for localhost or 127.0.0.1",
				http.StatusMisdirectedRequest)
			return
		}
		// Another site's page cannot read the answer, but its request would attach probes.
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			http.Error(w, "requests from pages of other sites are refused", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf returns a Host header without its port and brackets.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return strings.Trim(header, "[]")
}

// loopbackName asks no name server: an attacker controls the answer.
func loopbackName(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") // RFC 6761: always loopback
}
