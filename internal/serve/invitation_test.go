package serve

import (
	"net"
	"testing"
)

func TestInvitation(t *testing.T) {
	for _, test := range []struct {
		config     Config
		addr, want string
	}{
		{
			Config{},
			"127.0.0.1:6061",
			"serving http://127.0.0.1:6061 (try: go tool pprof -http=: " +
				"'http://127.0.0.1:6061/debug/pprof/lsm?seconds=30')",
		},
		{
			Config{Insecure: true},
			"[::]:80",
			"serving http://localhost:80 (try: go tool pprof -http=: " +
				"'http://localhost:80/debug/pprof/lsm?seconds=30')",
		},
		{
			Config{TokenFile: "token"},
			"10.0.0.1:6061",
			"serving http://10.0.0.1:6061 (for commands with credentials see http://10.0.0.1:6061/)",
		},
		{
			Config{CertFile: "c", KeyFile: "k", ClientCAFile: "ca"},
			"[::1]:6061",
			"serving https://[::1]:6061 (for commands with credentials see https://[::1]:6061/)",
		},
	} {
		addr, err := net.ResolveTCPAddr("tcp", test.addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := test.config.Invitation(addr); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}
