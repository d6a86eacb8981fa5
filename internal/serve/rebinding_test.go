package serve

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

func TestOtherHostsAreRefusedOnLoopback(t *testing.T) {
	s := startServer(t, nil)
	token := write(t, filepath.Join(t.TempDir(), "token"), []byte("secret"))
	withToken := startServer(t, func(c *Config) { c.TokenFile = token })
	for _, test := range []struct {
		name    string
		server  *served
		host    string
		headers map[string]string
		status  int
	}{
		{"address", s, "127.0.0.1:6061", nil, 200},
		{"IPv6", s, "[::1]:6061", nil, 200},
		{"IPv6 without a port", s, "[::1]", nil, 200},
		{"localhost", s, "LocalHost:8080", nil, 200},
		{"name below localhost", s, "lsm.localhost", nil, 200},
		{"rebound name", s, "rebound.example:6061", nil, 421},
		{"name that begins like an address", s, "127.0.0.1.example", nil, 421},
		{"name that ends like localhost", s, "notlocalhost", nil, 421},
		{"another address", s, "192.0.2.7", nil, 421},
		{
			"a page of another site", s, "127.0.0.1",
			map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
			403,
		},
		{
			"a link on another site", s, "127.0.0.1",
			map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
			200,
		},
		{
			"its own page", s, "127.0.0.1",
			map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
			200,
		},
		// A client with the token may use any host name, for example through a reverse proxy.
		{"a token", withToken, "node-7.example", map[string]string{"Authorization": "Bearer secret"}, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest("GET", test.server.url+"/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = test.host
			for k, v := range test.headers {
				req.Header.Set(k, v)
			}
			resp, err := test.server.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != test.status {
				t.Errorf("Host %q, %v: status %d, want %d", test.host, test.headers, resp.StatusCode,
					test.status)
			}
		})
	}
}

// A name of this machine that --listen has is asked for with that name.
func TestTheHostOfListenIsAnswered(t *testing.T) {
	h := ownHost("node-7.internal:6061", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for host, want := range map[string]int{
		"node-7.internal:6061": 200, "NODE-7.internal": 200, "localhost": 200, "node-8.internal:6061": 421,
	} {
		answer, req := httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil)
		req.Host = host
		h.ServeHTTP(answer, req)
		if answer.Code != want {
			t.Errorf("%s: status %d, want %d", host, answer.Code, want)
		}
	}
}
