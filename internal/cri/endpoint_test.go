package cri

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOrderOfEndpoints(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "crictl.yaml")
	for name, test := range map[string]struct{ flag, env, config, want, fails string }{
		"flag":            {"unix:///a", "unix:///b", "runtime-endpoint: unix:///c\n", "/a", ""},
		"environment":     {"", "unix:///b", "runtime-endpoint: unix:///c\n", "/b", ""},
		"crictl":          {"", "", "runtime-endpoint: unix:///c\ntimeout: 2\ndebug: false\n", "/c", ""},
		"crictl, quoted":  {"", "", "image-endpoint: \"\"\nruntime-endpoint: \"unix:/c\"\n", "/c", ""},
		"crictl, no URL":  {"", "", "runtime-endpoint: /c\n", "/c", ""},
		"bad flag":        {"tcp://127.0.0.1:1", "", "", "", `endpoint "tcp://127.0.0.1:1": must be a socket`},
		"bad environment": {"", "x.sock", "", "", endpointEnv + ` "x.sock": must be a socket`},
		"bad crictl": {
			"", "", "runtime-endpoint: http://c\n", "",
			config + ` "http://c": must be a socket`,
		},
		"bad file":    {"", "", "runtime-endpoint: [1]\n", "", config + ": line 1: this is a list"},
		"twice":       {"", "", "runtime-endpoint: /a\nruntime-endpoint: /b\n", "", "line 2: the key"},
		"line breaks": {"", "", "runtime-endpoint: |\r\n  unix:///c\r\n", "/c", ""},
		"as JSON":     {"", "", `{"runtime-endpoint": "unix:///c", "timeout": 10}`, "/c", ""},
		"documents":   {"", "", "\ufeff---\nruntime-endpoint: /c\n---\nruntime-endpoint: /d\n", "/c", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(endpointEnv, test.env)
			t.Setenv(configEnv, config)
			if err := os.WriteFile(config, []byte(test.config), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := endpoints(test.flag)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("%v, want %q", err, test.fails)
				}
				return
			}
			if err != nil || len(got) != 1 || got[0].path != test.want {
				t.Errorf("%v, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestMissingConfiguration(t *testing.T) {
	t.Setenv(endpointEnv, "")
	t.Setenv(configEnv, filepath.Join(t.TempDir(), "none.yaml"))
	if _, err := endpoints(""); err == nil || !strings.Contains(err.Error(), configEnv) ||
		!strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("%v, want an error that names %s and the file", err, configEnv)
	}
}

func TestParseEndpoint(t *testing.T) {
	for s, want := range map[string]string{
		"unix:///run/containerd/containerd.sock":   "/run/containerd/containerd.sock",
		"unix:/var/run/containerd/containerd.sock": "/var/run/containerd/containerd.sock",
		"UNIX:///run/crio/crio.sock":               "/run/crio/crio.sock",
		"unix:////run/x.sock":                      "//run/x.sock",
		"unix:///run/a%20b.sock":                   "/run/a b.sock",
		"/run/x.sock":                              "/run/x.sock",
		"/run/a%20b.sock":                          "/run/a%20b.sock",
		" unix:///run/x.sock\n":                    "/run/x.sock",
		"unix://localhost/run/x.sock":              "",
		"file:///run/x.sock":                       "",
		"unix://run/x.sock":                        "", // a host named run
		"unix:run/x.sock":                          "",
		"unix://":                                  "",
		"unix:":                                    "",
		"run/x.sock":                               "",
		"tcp://127.0.0.1:1":                        "",
		"npipe:////./pipe/containerd":              "",
		"":                                         "",
	} {
		got, err := ParseEndpoint(s)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", s, got, err, want)
		}
	}
}

func TestRuntimesThatDoNotAnswer(t *testing.T) {
	dir, err := os.MkdirTemp("", "cri")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	silent := filepath.Join(dir, "silent")
	l, err := net.Listen("unix", silent)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for path, want := range map[string]string{
		silent:                     "no answer within",
		filepath.Join(dir, "gone"): "Is it running",
	} {
		err := New(path).Refresh(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	New(silent).Watch(ctx, func(err error) { t.Errorf("reported %v after the context was done", err) })
}

func TestNoRuntime(t *testing.T) {
	for _, s := range sockets {
		if _, err := os.Stat(s); err == nil {
			t.Skip("this machine has one")
		}
	}
	t.Setenv(endpointEnv, "")
	t.Setenv(configEnv, "")
	if _, err := os.Stat(configFile); err == nil {
		t.Skip("this machine has a configuration of crictl")
	}
	if err := New("").Refresh(t.Context()); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("runtime-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if path, err := parseConfig(text); err == nil && path != "" {
			if path, err := ParseEndpoint(path); err == nil && !filepath.IsAbs(path) {
				t.Errorf("%q is not absolute", path)
			}
		}
	})
}
