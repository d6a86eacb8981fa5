package inforce

import (
	"debug/buildinfo"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

func TestTagVersion(t *testing.T) {
	for image, want := range map[string]string{
		"registry.example/varmor/varmor:v0.10.3":                                    "v0.10.3",
		"localhost:5000/kubearmor/kubearmor:stable":                                 "",
		"localhost:5000/kubearmor/kubearmor":                                        "",
		"registry.example/cilium/tetragon:v1.6.1@sha256:" + strings.Repeat("a", 64): "v1.6.1",
		"registry.example/cilium/tetragon@sha256:" + strings.Repeat("a", 64):        "",
		"kubearmor:1.7.5-rc1":                                                       "1.7.5-rc1",
		"kubearmor:v1.7;id":                                                         "",
		"kubearmor:" + strings.Repeat("1", 65):                                      "",
		"":                                                                          "",
	} {
		if got := tagVersion(image); got != want {
			t.Errorf("%q: %q, want %q", image, got, want)
		}
	}
}

func TestGoVersion(t *testing.T) {
	for name, c := range map[string]struct {
		module, version, ldflags, want string
	}{
		"module":      {"github.com/kubearmor/KubeArmor", "v1.7.4", "", "v1.7.4"},
		"development": {"github.com/kubearmor/KubeArmor", "(devel)", "", ""},
		"no release":  {"github.com/lsmprof/lsmprof", "v0.0.0-20261128130000-5ca1ab1e5ca1+dirty", "", ""},
		"of another package": {
			"github.com/bytedance/vArmor", "(devel)",
			"-w -X 'k8s.io/client-go/pkg/version.gitVersion=v0.10.3' -X 'k8s.io/x.gitCommit=82baa15'",
			"v0.10.3",
		},
		"of the main package": {
			"github.com/bytedance/vArmor", "(devel)",
			"-X 'k8s.io/client-go/pkg/version.gitVersion=v1.30.0' -X 'main.gitVersion=v0.10.3'", "v0.10.3",
		},
		"of the module": {
			"github.com/cilium/tetragon", "v1.6.2-0.20260821104634-4fbfe2d74",
			"-X 'github.com/cilium/tetragon/pkg/version.Version=v1.6.1' -X other/version.Version=v9.9.9",
			"v1.6.1",
		},
		"no quotes":   {"x", "", "-s -w -X main.Version=1.2.3", "1.2.3"},
		"equals sign": {"x", "", "-X=main.version=v1.2.3", "v1.2.3"},
		"no version":  {"x", "", "-X main.Version=main -X main.GoVersion=go1.26", ""},
	} {
		info := &buildinfo.BuildInfo{
			Main:     debug.Module{Path: c.module, Version: c.version},
			Settings: []debug.BuildSetting{{Key: "-ldflags", Value: c.ldflags}},
		}
		if got := goVersion(info); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestBinaryVersion(t *testing.T) {
	for name, c := range map[string]struct{ maps, want string }{
		"systemd": {
			"7f0 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.so\n",
			"v257",
		},
		"systemd, Fedora": {
			"7f0 r-xp 0 08:01 1 /usr/lib/systemd/libsystemd-shared-261.1-2.fc45.so\n",
			"v261.1-2.fc45",
		},
		"other": {"7f0 r-xp 0 08:01 1 /usr/lib/libc.so.6\n", ""},
		"gone":  {"", ""},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/maps", []byte(c.maps), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := binaryVersion(dir); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	// This test is a Go program without a version of its own.
	if got := binaryVersion("/proc/self"); strings.ContainsAny(got, "() \n") {
		t.Errorf("this program: %q", got)
	}
}
