// Package tlsfiles reads certificates, keys and authorities for TLS from PEM files. Errors name the file.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Client returns the TLS configuration of a client. It trusts the authorities in ca; "" stands for those of the system.
// It shows the certificate in cert, whose key is in key; if both are "", it shows none.
func Client(ca, cert, key string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pool, err := Authorities(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	switch {
	case (cert == "") != (key == ""):
		return nil, errors.New("a certificate needs its key, and a key its certificate")
	case cert != "":
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("certificate %s with key %s: %w", cert, key, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Authorities returns the certificates in a file.
func Authorities(file string) (*x509.CertPool, error) {
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
