package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lsmprof/lsmprof/internal/cri/critest"
	"github.com/lsmprof/lsmprof/internal/enforcer"
	"github.com/lsmprof/lsmprof/internal/vmtest"
)

// Distributions of the time of Linux 5.10 boot with cgroup v1, or with both: then containers are in the hierarchies of
// v1 only. The pods of a real containerd are found and charged there as with cgroup v2.
func TestCgroupV1Containerd(t *testing.T) {
	if vmtest.Guest(t).AtLeast(5, 11) {
		t.Skip("needs a kernel that distributions boot with cgroup v1: vm -kernel 5.10")
	}
	for _, hybrid := range []bool{false, true} {
		t.Run(map[bool]string{false: "v1", true: "hybrid"}[hybrid], func(t *testing.T) {
			mountCgroupV1(t, hybrid)
			c, r := startContainerd(t)
			pod := c.Pod("shop", "web-0", nil, "").Container("nginx", critest.App)
			nginx := startInContainer(t, r, pod.Containers["nginx"])
			startReference(t, map[uint32]enforcer.Rules{nginx.mntns: {File: 8}})
			rec := startRecord(t, "--runtime-endpoint", c.Socket, "--hook", "file_open")
			nginx.do("openat", 100)
			nginx.stop()
			opens, _ := rec.opens()
			// Ending the workload opens a few files as well.
			if got := opens["shop/web-0/nginx 8"]; got < 100 || got > 150 || len(opens) > 1 {
				t.Errorf("%v, want 100 calls of shop/web-0/nginx and a few, and no others", opens)
			}
			// Without the runtime, the id in the path of the cgroup names the workload.
			if text := listed(t, "--runtime-endpoint", ""); !strings.Contains(text,
				pod.Containers["nginx"][:12]) {
				t.Errorf("list does not name the container:\n%s", text)
			}
		})
	}
}

// mountCgroupV1 mounts each controller's own hierarchy in place of cgroup v2, as systemd does; with hybrid, v2 beside
// them.
func mountCgroupV1(t *testing.T, hybrid bool) {
	t.Helper()
	const root = "/sys/fs/cgroup"
	if err := unix.Unmount(root, 0); err != nil {
		t.Fatalf("unmount cgroup v2: %v", err)
	}
	mount := func(kind, dir, options string) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(kind, dir, kind, 0, options); err != nil {
			t.Fatalf("mount %s (%s) on %s: %v", kind, options, dir, err)
		}
	}
	mount("tmpfs", root, "")
	t.Cleanup(func() {
		for _, dir := range []string{"unified", "systemd"} {
			_ = unix.Unmount(filepath.Join(root, dir), 0) // not in every layout
		}
		text, _ := os.ReadFile("/proc/mounts")
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); f[2] == "cgroup" {
				if err := unix.Unmount(f[1], 0); err != nil {
					t.Errorf("unmount %s: %v", f[1], err)
				}
			}
		}
		if err := unix.Unmount(root, 0); err != nil {
			t.Errorf("unmount %s: %v", root, err)
		}
		mount("cgroup2", root, "")
	})
	mount("cgroup", filepath.Join(root, "systemd"), "none,name=systemd")
	text, err := os.ReadFile("/proc/cgroups")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		// name, hierarchy, number of cgroups, enabled
		if f := strings.Fields(line); len(f) == 4 && f[3] == "1" {
			mount("cgroup", filepath.Join(root, f[0]), f[0])
		}
	}
	if hybrid {
		mount("cgroup2", filepath.Join(root, "unified"), "")
	}
}
