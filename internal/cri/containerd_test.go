package cri

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lsmprof/lsmprof/internal/cri/critest"
)

// containerd starts a real containerd. It skips the test if the machine cannot run one.
func containerd(t *testing.T) *critest.Containerd {
	t.Helper()
	if err := critest.Available(); err != nil {
		t.Skip(err)
	}
	return critest.Start(t, "")
}

func TestPodsOfARealContainerd(t *testing.T) {
	c := containerd(t)
	r := New(c.Socket)
	defer r.Close()
	web := c.Pod("shop", "web-0", map[string]string{
		"app": "web", "tier": "front",
		"io.kubernetes.pod.name": "web-0",
	}, "").
		Container("nginx", critest.App).Container("sidecar", critest.Bare)
	db := c.Pod("shop", "db-0", nil, "").Container("postgres", critest.App)
	probe := c.Pod("kube-system", "probe", nil, "/lsmprof-test/inner").Container("probe", critest.Bare)
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}

	seen := map[uint32]string{}
	for _, want := range []struct{ id, name, image, labels string }{
		{web.ID, "shop/web-0/", "", "app=web,tier=front"},
		{web.Containers["nginx"], "shop/web-0/nginx", critest.App, "app=web,tier=front"},
		{web.Containers["sidecar"], "shop/web-0/sidecar", critest.Bare, "app=web,tier=front"},
		{db.Containers["postgres"], "shop/db-0/postgres", critest.App, ""},
		{probe.Containers["probe"], "kube-system/probe/probe", critest.Bare, ""},
	} {
		got, running := r.byID(want.id)
		if name := got.Namespace + "/" + got.Pod + "/" + got.Name; !running || name != want.name ||
			got.Image != want.image || got.Labels != want.labels {
			t.Errorf("%+v, want running %+v", got, want)
		}
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", got.PID))
		if err != nil || strings.TrimSpace(string(comm)) != "sleep" {
			t.Errorf("%s: process %d is %q, %v", want.name, got.PID, comm, err)
		}
		if other := seen[got.MntNS]; other != "" || got.MntNS == 0 {
			t.Errorf("%s and %q have mount namespace %d", want.name, other, got.MntNS)
		}
		seen[got.MntNS] = want.name
		for _, by := range []struct {
			mntns  uint32
			cgroup string
		}{{got.MntNS, ""}, {0, cgroupOf(t, got.PID, want.id)}, {1, cgroupOf(t, got.PID, want.id)}} {
			if found, ok := r.Find(by.mntns, by.cgroup); !ok || found.ID != want.id {
				t.Errorf("%s by %+v: found %+v", want.name, by, found)
			}
		}
	}
}

// cgroupOf returns the cgroup path of a process in the first hierarchy whose path has the container's id.
func cgroupOf(t *testing.T, pid int, id string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, id) {
			return strings.TrimSpace(strings.SplitN(line, ":", 3)[2])
		}
	}
	t.Fatalf("process %d is in no cgroup of %s:\n%s", pid, id, text)
	return ""
}

func TestProgramsInContainers(t *testing.T) {
	c := containerd(t)
	r := New(c.Socket)
	defer r.Close()
	pod := c.Pod("default", "p", nil, "").Container("app", critest.App).Container("bare", critest.Bare)
	app, bare := pod.Containers["app"], pod.Containers["bare"]

	out, err := r.Run(t.Context(), app, []string{"sh", "-c", "echo out; echo err >&2; exit 7"}, time.Minute)
	if err != nil || string(out.Stdout) != "out\n" || string(out.Stderr) != "err\n" || out.Status != 7 {
		t.Errorf("run: %q %q %d, %v", out.Stdout, out.Stderr, out.Status, err)
	}
	if out, err = r.Run(t.Context(), bare, []string{"/sleep", "0"}, time.Minute); err != nil || out.Status != 0 {
		t.Errorf("without a shell: %+v, %v", out, err)
	}
	if _, err = r.Run(t.Context(), app, []string{"sleep", "1000"}, time.Second); !errors.Is(err, ErrTimeout) {
		t.Errorf("time limit: %v, want ErrTimeout", err)
	}
	if _, err = r.Run(t.Context(), bare, []string{"/bin/sh"}, time.Minute); err == nil ||
		!strings.Contains(err.Error(), "/bin/sh") {
		t.Errorf("missing program: %v", err)
	}
	if _, err = r.Run(t.Context(), strings.Repeat("0", 64), []string{"sh"}, time.Minute); !errors.Is(err,
		ErrNotFound) {
		t.Errorf("missing container: %v", err)
	}
}

// TestContainerdBelowASlice runs containerd with its default driver, cgroupfs, under a kubelet with the
// systemd driver: the kubelet names a slice as the parent, and runc takes slice:prefix:name for a plain path.
func TestContainerdBelowASlice(t *testing.T) {
	c := containerd(t)
	r := New(c.Socket)
	defer r.Close()
	pod := c.Pod("shop", "web-0", nil,
		"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod12_3.slice").
		Container("nginx", critest.App)
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, _ := r.byID(pod.Containers["nginx"])
	if got.PID == 0 || got.MntNS == 0 || got.Unlocated != "" {
		t.Errorf("process %d, mount namespace %d, %q", got.PID, got.MntNS, got.Unlocated)
	}
}
