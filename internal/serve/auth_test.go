package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a certificate authority.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
	}
	a := &authority{t: t, key: key}
	a.cert = a.signed(template, template, &key.PublicKey, key)
	return a
}

func (a *authority) signed(template, parent *x509.Certificate, public *ecdsa.PublicKey,
	signer *ecdsa.PrivateKey,
) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

// leaf returns a new certificate and its key, in PEM.
func (a *authority) leaf(usage x509.ExtKeyUsage) (cert, key []byte) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		a.t.Fatal(err)
	}
	c := a.signed(&x509.Certificate{
		SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, a.cert, &private.PublicKey, a.key)
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return inPEM("CERTIFICATE", c.Raw), inPEM("EC PRIVATE KEY", der)
}

func (a *authority) pem() []byte { return inPEM("CERTIFICATE", a.cert.Raw) }

func inPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// tlsServer starts a server with its files in dir.
func tlsServer(t *testing.T, dir string, server, clients *authority, change func(*Config)) *served {
	t.Helper()
	cert, key := server.leaf(x509.ExtKeyUsageServerAuth)
	c := Config{
		CertFile: write(t, filepath.Join(dir, "cert"), cert), KeyFile: write(t, filepath.Join(dir, "key"), key),
		ClientCAFile: write(t, filepath.Join(dir, "ca"), clients.pem()),
	}
	s := startServer(t, func(config *Config) {
		config.CertFile, config.KeyFile, config.ClientCAFile = c.CertFile, c.KeyFile, c.ClientCAFile
		if change != nil {
			change(config)
		}
	})
	s.url = strings.Replace(s.url, "http:", "https:", 1)
	return s
}

// as makes the client trust an authority and, with of, show a certificate that it has signed.
func (s *served) as(t *testing.T, trusted, of *authority, usage x509.ExtKeyUsage) {
	t.Helper()
	conf := &tls.Config{RootCAs: x509.NewCertPool()}
	conf.RootCAs.AddCert(trusted.cert)
	if of != nil {
		pair, err := tls.X509KeyPair(of.leaf(usage))
		if err != nil {
			t.Fatal(err)
		}
		// Show it whatever the server says it accepts.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &pair, nil
		}
	}
	s.client.CloseIdleConnections()
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: conf}}
}

func TestClientCertificates(t *testing.T) {
	server, clients := newAuthority(t, "server"), newAuthority(t, "clients")
	strangers := newAuthority(t, "strangers")
	s := tlsServer(t, t.TempDir(), server, clients, nil)
	for name, test := range map[string]struct {
		of     *authority
		usage  x509.ExtKeyUsage
		path   string
		status int
	}{
		"signed":                {clients, x509.ExtKeyUsageClientAuth, "/metrics", 200},
		"none":                  {nil, 0, "/metrics", 403},
		"a stranger's":          {strangers, x509.ExtKeyUsageClientAuth, "/metrics", 403},
		"not of a client":       {clients, x509.ExtKeyUsageServerAuth, "/debug/pprof/lsm", 403},
		"health needs none":     {nil, 0, "/healthz", 200},
		"readiness without any": {nil, 0, "/readyz", 200},
	} {
		t.Run(name, func(t *testing.T) {
			s.as(t, server, test.of, test.usage)
			if code, _, body := s.get(t, test.path); code != test.status {
				t.Errorf("%d %s, want %d", code, body, test.status)
			}
		})
	}
}

func TestCertificatesAreReloaded(t *testing.T) {
	dir := t.TempDir()
	server, clients, later := newAuthority(t, "server"), newAuthority(t, "clients"), newAuthority(t, "later")
	log := &logged{}
	s := tlsServer(t, dir, server, clients, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	s.as(t, server, clients, x509.ExtKeyUsageClientAuth)
	if code, _, _ := s.get(t, "/metrics"); code != 200 {
		t.Fatalf("status %d", code)
	}
	// The connection stays open, but it is refused once its authority is gone.
	write(t, filepath.Join(dir, "ca"), append(later.pem(), '\n'))
	if code, _, _ := s.get(t, "/metrics"); code != 403 {
		t.Errorf("with a certificate of the authority that was removed: status %d", code)
	}
	cert, key := later.leaf(x509.ExtKeyUsageServerAuth)
	write(t, filepath.Join(dir, "cert"), append(cert, '\n'))
	s.as(t, server, later, x509.ExtKeyUsageClientAuth)
	if code, _, _ := s.get(t, "/metrics"); code != 200 {
		t.Errorf("with half of a new pair the server did not go on with the old one: status %d", code)
	}
	if warning := "what they held before stays in force"; strings.Count(log.String(), warning) != 1 {
		t.Errorf("want one warning %q in\n%s", warning, log)
	}
	write(t, filepath.Join(dir, "key"), append(key, '\n'))
	s.as(t, later, later, x509.ExtKeyUsageClientAuth)
	if code, _, _ := s.get(t, "/metrics"); code != 200 {
		t.Errorf("with the new pair: status %d", code)
	}
}

func TestBearerToken(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "token"), []byte("first\n"))
	s := startServer(t, func(c *Config) { c.TokenFile = file })
	ask := func(path, authorization string) int {
		req, err := http.NewRequest("GET", s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, test := range []struct {
		path, authorization string
		status              int
	}{
		{"/metrics", "Bearer first", 200},
		{"/metrics", "bearer first", 200},
		{"/debug/pprof/lsm", "Bearer first", 200},
		{"/debug/pprof/lsm", "", 401},
		{"/metrics", "Bearer second", 401},
		{"/metrics", "Basic first", 401},
		{"/metrics", "Bearer ", 401},
		{"/nowhere", "", 401},
		{"/healthz", "", 200},
		{"/readyz", "", 200},
	} {
		if got := ask(test.path, test.authorization); got != test.status {
			t.Errorf("%s with %q: status %d, want %d", test.path, test.authorization, got, test.status)
		}
	}
	write(t, file, []byte("another"))
	if got := ask("/metrics", "Bearer first"); got != 401 {
		t.Errorf("the old token: status %d", got)
	}
	if got := ask("/metrics", "Bearer another"); got != 200 {
		t.Errorf("the new token: status %d", got)
	}
	// An empty file changes nothing.
	write(t, file, nil)
	first, second := ask("/metrics", "Bearer"), ask("/metrics", "Bearer another")
	if first != 401 || second != 200 {
		t.Errorf("an empty file: status %d without a token, %d with the last one", first, second)
	}
}

func TestConfigIsChecked(t *testing.T) {
	dir := t.TempDir()
	token, empty := write(t, filepath.Join(dir, "token"), []byte("x")), write(t, filepath.Join(dir, "empty"), nil)
	cert, key := newAuthority(t, "a").leaf(x509.ExtKeyUsageServerAuth)
	certFile, keyFile := write(t, filepath.Join(dir, "cert"), cert), write(t, filepath.Join(dir, "key"), key)
	for _, test := range []struct {
		name   string
		config Config
		want   string // of the error
	}{
		{"loopback", Config{Listen: "127.0.0.1:0"}, ""},
		{"another loopback", Config{Listen: "127.9.9.9:0"}, ""},
		{"IPv6 loopback", Config{Listen: "[::1]:0"}, ""},
		{"a name of it", Config{Listen: "localhost:0"}, ""},
		{"everywhere", Config{Listen: ":0"}, "not a loopback address"},
		{"any", Config{Listen: "0.0.0.0:0"}, "not a loopback address"},
		{"any IPv6", Config{Listen: "[::]:0"}, "not a loopback address"},
		{"an address", Config{Listen: "192.0.2.1:0"}, "not a loopback address"},
		{"mapped", Config{Listen: "[::ffff:192.0.2.1]:0"}, "not a loopback address"},
		{"TLS alone", Config{Listen: ":0", CertFile: certFile, KeyFile: keyFile}, "not a loopback address"},
		{"insecure", Config{Listen: ":0", Insecure: true}, ""},
		{"token", Config{Listen: ":0", TokenFile: token}, ""},
		{
			"client certificates",
			Config{Listen: ":0", CertFile: certFile, KeyFile: keyFile, ClientCAFile: certFile},
			"",
		},
		{"no port", Config{Listen: "127.0.0.1"}, "missing port"},
		{"a port too large", Config{Listen: "127.0.0.1:99999"}, `port "99999"`},
		{"a port of no service", Config{Listen: "127.0.0.1:http1"}, `port "http1"`},
		{"a certificate without a key", Config{Listen: "127.0.0.1:0", CertFile: certFile}, "needs its key"},
		{"client certificates without TLS", Config{Listen: ":0", ClientCAFile: certFile}, "need TLS"},
		{"no token in the file", Config{Listen: ":0", TokenFile: empty}, "is empty"},
		{"no such file", Config{Listen: ":0", TokenFile: filepath.Join(dir, "nope")}, "no such file"},
		{
			"no certificate in the file",
			Config{Listen: ":0", CertFile: certFile, KeyFile: keyFile, ClientCAFile: keyFile},
			"no certificate",
		},
		{
			"key and certificate of two",
			Config{Listen: "127.0.0.1:0", CertFile: certFile, KeyFile: token},
			"CertFile: ",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(test.config)
			if (err == nil) != (test.want == "") ||
				err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}
