package serve

import (
	"net"
	"strings"
	"testing"
	"time"
)

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"", "0", "30", "0.5", "-1", "1e300", "NaN", "Inf", "0x1p3", "30s", " 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const limit = 5 * time.Minute
		if d, err := duration(text, limit); err == nil && (d < 0 || d > limit) || err != nil && d != 0 {
			t.Errorf("%q: %v, %v", text, d, err)
		}
	})
}

// Only names that a resolver can never send elsewhere are taken for this machine.
func FuzzLoopbackName(f *testing.F) {
	for _, s := range []string{"localhost", "127.0.0.1", "[::1]:80", "rebound.example", "127.0.0.1.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		host := hostOf(header)
		if !loopbackName(host) {
			return
		}
		if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
			return
		}
		name := strings.TrimSuffix(strings.ToLower(host), ".")
		if last := name[strings.LastIndexByte(name, '.')+1:]; last != "localhost" {
			t.Errorf("%q, of host %q, counts as this machine", header, host)
		}
	})
}
