package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// credentials are what the files hold that say who may ask.
type credentials struct {
	token   *watched[[sha256.Size]byte] // nil: none is asked for
	clients *watched[*x509.CertPool]    // likewise
	server  *watched[*tls.Certificate]  // nil: no TLS
}

// Validate finds what does not go together.
func (c Config) Validate() error {
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("--tls-cert and --tls-key: give both")
	case c.ClientCAFile != "" && c.CertFile == "":
		return errors.New("--client-ca: client certificates need TLS; give --tls-cert and --tls-key")
	}
	local, err := loopback(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", c.Listen, err)
	}
	if !local && !c.Insecure && c.TokenFile == "" && c.ClientCAFile == "" {
		return fmt.Errorf("--listen %s: not a loopback address, and everybody who reaches it could read the names of all workloads: "+
			"give --token-file, or --client-ca with --tls-cert and --tls-key; --insecure serves all the same", c.Listen)
	}
	return nil
}

func newCredentials(c Config) (creds credentials, err error) {
	if c.CertFile != "" {
		creds.server, err = newWatched(func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			return &pair, err
		}, c.CertFile, c.KeyFile)
		if err != nil {
			return creds, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
	}
	if c.ClientCAFile != "" {
		creds.clients, err = newWatched(func() (*x509.CertPool, error) { return readPool(c.ClientCAFile) }, c.ClientCAFile)
		if err != nil {
			return creds, fmt.Errorf("--client-ca: %w", err)
		}
	}
	if c.TokenFile != "" {
		creds.token, err = newWatched(func() ([sha256.Size]byte, error) { return readToken(c.TokenFile) }, c.TokenFile)
		if err != nil {
			return creds, fmt.Errorf("--token-file: %w", err)
		}
	}
	return creds, nil
}

func readPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}

// readToken keeps only the hash: comparing it takes the same time whatever is sent.
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

// tls is nil without TLS. A client need not show a certificate to be told that the server is healthy: allow looks at it.
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

// allow lets those through who show everything that is asked for. Certificates are checked with every request, not with the
// connection: a scraper keeps its connection for longer than a certificate authority may last.
func (c credentials) allow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.clients != nil && !c.knows(r.TLS) {
			http.Error(w, "a client certificate that the server's --client-ca has signed is needed", http.StatusForbidden)
			return
		}
		if c.token != nil && !c.holds(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="lsmprof"`)
			http.Error(w, "the bearer token of the server's --token-file is needed", http.StatusUnauthorized)
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
		Roots: c.clients.get(), Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
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
