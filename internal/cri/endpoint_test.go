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
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, flag, env, config, want, fails string }{
		{"flag", "unix:///a", "unix:///b", "runtime-endpoint: unix:///c\n", "/a", ""},
		{"environment", "", "unix:///b", "runtime-endpoint: unix:///c\n", "/b", ""},
		{"crictl", "", "", "runtime-endpoint: unix:///c\ntimeout: 2\ndebug: false\n", "/c", ""},
		{"path", "/run/x.sock", "", "", "/run/x.sock", ""},
		{"tcp", "tcp://127.0.0.1:1", "", "", "", `--runtime-endpoint: "tcp://127.0.0.1:1" is not unix://`},
		{"bad environment", "", "x.sock", "", "", endpointEnv},
		{"bad file", "", "", "runtime-endpoint: [1]\n", "", config},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(endpointEnv, test.env)
			t.Setenv(configEnv, config)
			write(test.config)
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
		filepath.Join(dir, "gone"): "is it running",
	} {
		err := New(path).Refresh(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	New(silent).Watch(ctx, func(err error) { t.Errorf("reported %v to who does not want to know", err) })
}

func TestNoRuntime(t *testing.T) {
	for _, s := range sockets {
		if _, err := os.Stat(s); err == nil {
			t.Skip("this machine has one")
		}
	}
	t.Setenv(endpointEnv, "")
	t.Setenv(configEnv, filepath.Join(t.TempDir(), "none"))
	if err := New("").Refresh(t.Context()); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("runtime-endpoint: unix:///run/containerd/containerd.sock\ntimeout: 2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if path, err := parseConfig(text); err == nil && path != "" {
			if e, err := socketOf(endpoint{path, "x"}); err == nil && !filepath.IsAbs(e[0].path) {
				t.Errorf("%q", e[0].path)
			}
		}
	})
}
