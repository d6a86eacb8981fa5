package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
)

func TestHeadersAreReadForEachRequest(t *testing.T) {
	r := newReceiver(t)
	file := filepath.Join(t.TempDir(), "headers")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# a comment\n\nAuthorization: Bearer one\nX-Scope-OrgID: tenant\n")
	e := running(t, Config{Endpoint: r.URL, HeadersFile: file})
	for i, token := range []string{"Bearer one", "Bearer two"} {
		write("Authorization: " + token + "\n")
		if err := e.Add(profileOf(1)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a request", func() bool { return e.Stats().Sent == uint64(i+1) })
		head := r.heads[i]
		if head.Get("Authorization") != token || head.Get("Content-Type") != "application/x-protobuf" ||
			head.Get(pprofileotlp.DevelopmentVersionHeader) != pprofileotlp.DevelopmentVersion {
			t.Errorf("headers %v", head)
		}
	}
}

func TestWrongSettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"no scheme":  {Config{Endpoint: "collector:4318"}, "must be a URL such as"},
		"gRPC":       {Config{Endpoint: "grpc://collector:4317"}, "must be a URL such as"},
		"no host":    {Config{Endpoint: "http://"}, "must be a URL such as"},
		"no headers": {Config{Endpoint: "http://c", HeadersFile: dir + "/none"}, "no such file"},
		"wrong header": {
			Config{Endpoint: "http://c", HeadersFile: file("h", "a: b\nBearer secret\n")},
			"h:2: must be",
		},
		"wrong authority":  {Config{Endpoint: "http://c", CAFile: file("ca", "x")}, "no certificate"},
		"a key is missing": {Config{Endpoint: "http://c", CertFile: "x"}, "needs its key"},
	} {
		_, err := New(c.config)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

// The receiver's authority must be known, and it gets the certificate that it asks for.
func TestSendsWithTLS(t *testing.T) {
	shown := make(chan int, 1)
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		shown <- len(r.TLS.PeerCertificates)
	}))
	receiver.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	receiver.Config.ErrorLog = log.New(io.Discard, "", 0)
	receiver.StartTLS()
	defer receiver.Close()
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pair := receiver.TLS.Certificates[0] // serves both ends
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := file("cert", "CERTIFICATE", pair.Certificate[0]), file("key", "PRIVATE KEY", der)
	for name, test := range map[string]struct {
		config Config
		want   string // of the error
	}{
		"no authority":   {Config{}, "unknown authority"},
		"no certificate": {Config{CAFile: cert}, "certificate required"},
		"both":           {Config{CAFile: cert, CertFile: cert, KeyFile: key}, ""},
	} {
		test.config.Endpoint = receiver.URL
		e, err := New(test.config)
		if err != nil {
			t.Fatal(err)
		}
		body, err := e.encode(profileOf(1))
		if err != nil {
			t.Fatal(err)
		}
		err = e.send(t.Context(), body)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if n := <-shown; n != 1 {
		t.Errorf("the receiver saw %d certificates", n)
	}
}

// The headers hold a token. A receiver must not be able to pass it on.
func TestRedirectsAreNotFollowed(t *testing.T) {
	asked := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		first := httptest.NewServer(http.RedirectHandler(other.URL, status))
		file := filepath.Join(t.TempDir(), "headers")
		if err := os.WriteFile(file, []byte("Authorization: Bearer secret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := New(Config{Endpoint: first.URL, HeadersFile: file})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Add(profileOf(1)); err != nil {
			t.Fatal(err)
		}
		if err := e.Flush(t.Context()); err == nil {
			t.Errorf("status %d is no error", status)
		}
		first.Close()
	}
	select {
	case got := <-asked:
		t.Errorf("the other server was sent %q", got)
	default:
	}
}
