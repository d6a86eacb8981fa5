package kernel

import (
	"strings"
	"testing"
)

func TestContainerCgroup(t *testing.T) {
	id := strings.Repeat("5ca1ab1e", 8)
	for name, c := range map[string]struct{ text, want string }{
		"v2": {"0::/system.slice/cron.service\n", "/system.slice/cron.service"},
		"v1": {
			"12:cpu,cpuacct:/docker/" + id + "\n1:name=systemd:/docker/" + id + "\n",
			"/docker/" + id,
		},
		"v1, no container": {"12:cpu:/x\n", ""},
		"hybrid, container": {
			"5:pids:/kubepods/" + id + "\n0::/system.slice/containerd.service\n",
			"/kubepods/" + id,
		},
		"hybrid, none": {
			"5:pids:/system.slice\n0::/system.slice/cron.service\n",
			"/system.slice/cron.service",
		},
		"colons in a path": {"0::/a.slice:cri-containerd:" + id + "\n", "/a.slice:cri-containerd:" + id},
		"v2 first": {"5:pids:/docker/" + id + "\n0::/docker/" + id + "/init.scope\n", "/docker/" + id +
			"/init.scope"},
		"nonsense": {"::\n:\n\nx\n0:\n0::relative\n", ""},
		"empty":    {"", ""},
	} {
		if got := ContainerCgroup(parseCgroups(c.text)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func FuzzParseCgroups(f *testing.F) {
	f.Add("12:cpu,cpuacct:/a\n0::/b:c:d\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range parseCgroups(text) {
			if !strings.HasPrefix(c.Path, "/") || strings.Contains(c.Path, "\n") {
				t.Errorf("%+v", c)
			}
		}
	})
}
