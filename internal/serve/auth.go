package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/lsmprof/lsmprof/internal/tlsfiles"
)

// credentials are the files that say which clients may make requests.
type credentials struct {
	token   *watched[[sha256.Size]byte] // nil: no token is needed
	clients *watched[*x509.CertPool]    // nil: no client certificate is needed
	server  *watched[*tls.Certificate]  // nil: no TLS
}

func newCredentials(c Config, log *slog.Logger) (creds credentials, err error) {
	if c.CertFile != "" {
		creds.server, err = newWatched(log, func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			return &pair, err
		}, c.CertFile, c.KeyFile)
		if err != nil {
			return creds, &ConfigError{"CertFile", "", err}
		}
	}
	if c.ClientCAFile != "" {
		creds.clients, err = newWatched(log,
			func() (*x509.CertPool, error) { return tlsfiles.Authorities(c.ClientCAFile) }, c.ClientCAFile)
		if err != nil {
			return creds, &ConfigError{"ClientCAFile", "", err}
		}
	}
	if c.TokenFile != "" {
		creds.token, err = newWatched(log, func() ([sha256.Size]byte, error) { return readToken(c.TokenFile) },
			c.TokenFile)
		if err != nil {
			return creds, &ConfigError{"TokenFile", "", err}
		}
	}
	return creds, nil
}

// readToken keeps only the hash of the token: comparing hashes takes the same time whatever a client sends.
func readToken(file string) (hash [sha256.Size]byte, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return hash, err
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return hash, fmt.Errorf("%s is empty", file)
	}
	return sha256.Sum256([]byte(token)), nil
}

// tls returns nil without TLS. The handshake requires no client certificate, because health checks need none: allow
// verifies it.
func (c credentials) tls() *tls.Config {
	if c.server == nil {
		return nil
	}
	conf := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.server.get(), nil },
	}
	if c.clients != nil {
		conf.ClientAuth = tls.RequestClientCert
	}
	return conf
}

// allow passes on the requests that carry all required credentials. It checks certificates with every request, not with
// the connection: a scraper may keep its connection for longer than the server trusts an authority.
func (c credentials) allow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.clients != nil && !c.knows(r.TLS) {
			http.Error(w,
				"this server requires a client certificate that one of its authorities has signed",
				http.StatusForbidden)
			return
		}
		if c.token != nil && !c.holds(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="lsmprof"`)
			http.Error(w, `this server requires its token: curl -H "Authorization: Bearer $TOKEN" …`,
				http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (c credentials) knows(state *tls.ConnectionState) bool {
	if state == nil || len(state.PeerCertificates) == 0 {
		return false
	}
	opts := x509.VerifyOptions{
		Roots: c.clients.get(), Intermediates: x509.NewCertPool(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, cert := range state.PeerCertificates[1:] {
		opts.Intermediates.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(opts)
	return err == nil
}

func (c credentials) holds(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sent, want := sha256.Sum256([]byte(strings.TrimSpace(token))), c.token.get()
	return subtle.ConstantTimeCompare(sent[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
