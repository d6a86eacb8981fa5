package profile

import (
	"strings"
	"testing"
)

func TestWorkloadName(t *testing.T) {
	id := strings.Repeat("3f9a", 16)
	for _, test := range []struct {
		want string
		w    Workload
	}{
		{"web/nginx-0/nginx", nginx},
		{"web/nginx-0", Workload{Comm: "pause", Namespace: "web", Pod: "nginx-0"}},
		{"solo?", Workload{Comm: "sh", Container: "solo\n"}},
		{"systemd", host},
		{"[other]", Workload{}},
		{"mntns:42", Workload{MntNS: 42, Cgroup: "/x"}},
		{"redis/3f9a3f9a3f9a", Workload{Comm: "redis", ContainerID: id}},
		{"redis/short", Workload{Comm: "redis", ContainerID: "short"}},
		{"redis/3f9a3f9a3f9a", Workload{Comm: "redis", Cgroup: "/machine.slice/libpod-" + id +
			".scope/container"}},
		{"a?[2Jb?", Workload{Comm: "a\x1b[2Jb\xff"}},
	} {
		if got := test.w.Name(); got != test.want {
			t.Errorf("%+v: %q, want %q", test.w, got, test.want)
		}
	}
}

func TestWorkloadsOfOneNameGetTheirNamespace(t *testing.T) {
	a, b := Workload{MntNS: 1, Comm: "sh"}, Workload{MntNS: 2, Comm: "sh"}
	names := Snapshot{Rows: []Row{{Workload: a}, {Workload: b}, {Workload: host}, {Workload: a}}}.names()
	if names[a] != "sh#1" || names[b] != "sh#2" || names[host] != "systemd" {
		t.Errorf("got %q, %q, %q", names[a], names[b], names[host])
	}
}
