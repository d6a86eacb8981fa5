package serve

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// A server that requires both a token and a certificate serves no client that has only one of them.
func TestTokenAndCertificate(t *testing.T) {
	token := write(t, filepath.Join(t.TempDir(), "token"), []byte("secret"))
	server, clients := newAuthority(t, "server"), newAuthority(t, "clients")
	s := tlsServer(t, t.TempDir(), server, clients, func(c *Config) { c.TokenFile = token })
	for _, test := range []struct {
		of     *authority
		header string
		status int
	}{
		{clients, "Bearer secret", 200},
		{clients, "", 401},
		{nil, "Bearer secret", 403},
		{nil, "", 403},
	} {
		s.as(t, server, test.of, x509.ExtKeyUsageClientAuth)
		req, err := http.NewRequest("GET", s.url+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", test.header)
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.status {
			t.Errorf("certificate %t, %q: status %d, want %d", test.of != nil, test.header, resp.StatusCode,
				test.status)
		}
	}
}

func TestVersionsOfTLS(t *testing.T) {
	server := newAuthority(t, "server")
	s := tlsServer(t, t.TempDir(), server, newAuthority(t, "clients"), nil)
	trusted := x509.NewCertPool()
	trusted.AddCert(server.cert)
	for version, want := range map[uint16]bool{
		tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true,
	} {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(s.url, "https://"), &tls.Config{
			RootCAs: trusted, MinVersion: version, MaxVersion: version,
		})
		if (err == nil) != want {
			t.Errorf("%s: %v, want accepted %t", tls.VersionName(version), err, want)
		}
		if err == nil {
			conn.Close()
		}
	}
}

func TestTokenInTheClearIsAWarning(t *testing.T) {
	token := write(t, filepath.Join(t.TempDir(), "token"), []byte("secret"))
	for listen, want := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true} {
		log := &logged{}
		startServer(t, func(c *Config) {
			c.Listen, c.TokenFile, c.Logger = listen, token, slog.New(slog.NewTextHandler(log, nil))
		})
		if got := strings.Contains(log.String(), "no TLS: profiles, and the token"); got != want {
			t.Errorf("%s: a warning %t, want %t: %s", listen, got, want, log)
		}
	}
}
