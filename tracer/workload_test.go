package tracer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lsmprof/lsmprof/profile"
)

// pods is a Namer that knows pods by mount namespace.
type pods map[uint32]string

func (p pods) Name(w profile.Workload) profile.Workload {
	w.Pod = p[w.MntNS]
	return w
}

func TestWorkloadsAreNamedByTheirOldestProcess(t *testing.T) {
	id := strings.Repeat("3f9a", 16)
	w := workloads{t.TempDir(), nil, map[uint32]*profile.Workload{}}
	for pid, p := range map[string]struct{ ns, comm, cgroup string }{
		"900": {"mnt:[4026532100]", "worker", "0::/pod/c1\n"},
		"80":  {"mnt:[4026532100]", "nginx", "12:cpu:/x\n0::/pod/c1\n"},
		"1":   {"mnt:[4026531840]", "systemd", "0::/init.scope\n"},
		// With cgroup v1, and v2 without controllers, only v1 has the container.
		"70": {
			"mnt:[4026532300]", "redis",
			"5:pids:/kubepods/" + id + "\n0::/system.slice/containerd.service\n",
		},
	} {
		dir := filepath.Join(w.proc, pid)
		for path, content := range map[string]string{"comm": p.comm + "\n", "cgroup": p.cgroup} {
			if err := os.MkdirAll(filepath.Join(dir, "ns"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, path), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(p.ns, filepath.Join(dir, "ns/mnt")); err != nil {
			t.Fatal(err)
		}
	}
	for ns, want := range map[uint32]profile.Workload{
		4026532100: {MntNS: 4026532100, Comm: "nginx", Cgroup: "/pod/c1"},
		4026531840: {MntNS: 4026531840, Comm: "systemd", Cgroup: "/init.scope"},
		4026532300: {MntNS: 4026532300, Comm: "redis", Cgroup: "/kubepods/" + id, ContainerID: id},
		4026539999: {MntNS: 4026539999, Comm: "sh"}, // only the probe saw it
	} {
		if got := *w.lookup(ns, "sh"); got != want {
			t.Errorf("%d: %+v, want %+v", ns, got, want)
		}
	}
}

func TestContainersAreNamedOnceTheyAreKnown(t *testing.T) {
	known := pods{}
	w := workloads{t.TempDir(), known, map[uint32]*profile.Workload{}}
	first := w.lookup(7, "app")
	if first.InContainer() {
		t.Errorf("it has a name before that is known: %+v", first)
	}
	known[7] = "web-0"
	w.refreshNames()
	delete(known, 7) // the container is gone
	w.refreshNames()
	if w.lookup(7, "app") != first || first.Pod != "web-0" {
		t.Errorf("after it is gone: %+v", first)
	}
	known[7] = "db-0" // another container has the number of its namespace
	w.refreshNames()
	heir := w.lookup(7, "postgres")
	if heir == first || heir.Pod != "db-0" || heir.MntNS != 7 || first.Pod != "web-0" {
		t.Errorf("heir %+v, first %+v", heir, first)
	}
}
