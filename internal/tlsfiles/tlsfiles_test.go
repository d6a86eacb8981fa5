package tlsfiles

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClient(t *testing.T) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	none := filepath.Join(dir, "none")
	for name, c := range map[string]struct{ ca, cert, key, err string }{
		"nothing":             {},
		"an authority":        {ca: ca},
		"no such authority":   {ca: none, err: "none: no such file"},
		"not a certificate":   {ca: file("text", []byte("x")), err: "text holds no certificate in PEM"},
		"a key alone":         {key: ca, err: "a certificate needs its key"},
		"a certificate alone": {cert: ca, err: "a certificate needs its key"},
		"no such certificate": {cert: none, key: ca, err: "none: no such file"},
		"not the key of it":   {cert: ca, key: ca, err: "ca.pem with key "},
	} {
		config, err := Client(c.ca, c.cert, c.key)
		switch {
		case c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, want %q", name, err, c.err)
		case err == nil && (config.RootCAs != nil) != (c.ca != ""):
			t.Errorf("%s: authorities %v", name, config.RootCAs)
		}
	}
}
